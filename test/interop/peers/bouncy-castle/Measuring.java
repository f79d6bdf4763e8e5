// For the benchmarks: whole messages through the S/MIME classes, as a Java gateway would do it.

import java.lang.management.ManagementFactory;

final class Measuring {
  /** task=protect|open form=opaque|detached repeat=N, key and certificate of signer, recipient and issuer. */
  static byte[] measure(Frame request, Frame answer) throws Exception {
    Parties parties = new Parties(request);
    boolean opaque = request.is("form", "opaque");
    boolean protect = request.is("task", "protect");
    int repeat = Integer.parseInt(request.one("repeat"));
    byte[] result = null;
    long start = cpuNanoseconds();
    for (int i = 0; i < repeat; i++) {
      result = protect ? parties.protect(request.octets, opaque) : parties.open(request.octets, opaque);
    }
    answer.add("cpu", String.valueOf(cpuNanoseconds() - start));
    return result;
  }

  static long cpuNanoseconds() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }
}
