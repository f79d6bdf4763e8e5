// For the benchmarks: whole messages through the S/MIME classes, as a Java gateway would do it.

import java.lang.management.ManagementFactory;

final class Measuring {
  private static byte[] message;

  /**
   * task=protect|open form=opaque|detached repeat=N, key and certificate of signer, recipient and issuer. The message
   * comes and its result goes once, with repeat=1; later requests without octets mean the same message.
   */
  static byte[] measure(Frame request, Frame answer) throws Exception {
    Parties parties = new Parties(request);
    boolean opaque = request.is("form", "opaque");
    boolean protect = request.is("task", "protect");
    int repeat = Integer.parseInt(request.one("repeat"));
    if (request.octets.length > 0) message = request.octets;
    byte[] result = null;
    long start = cpuNanoseconds();
    for (int i = 0; i < repeat; i++) {
      result = protect ? parties.protect(message, opaque) : parties.open(message, opaque);
    }
    answer.add("cpu", String.valueOf(cpuNanoseconds() - start));
    return repeat == 1 ? result : new byte[0];
  }

  static long cpuNanoseconds() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }
}
