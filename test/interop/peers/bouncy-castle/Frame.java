// Request and answer alike: int32 length and UTF-8 lines "name=value", int32 length and octets. Names may repeat; parts
// of a value are separated by tabs; keys and certificates are named by their PEM files.

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

final class Frame {
  private final List<String[]> lines = new ArrayList<>();
  byte[] octets = new byte[0];

  static Frame read(DataInputStream in) throws IOException {
    Frame frame = new Frame();
    for (String line : new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8).split("\n")) {
      if (!line.isEmpty()) frame.lines.add(line.split("=", 2));
    }
    frame.octets = in.readNBytes(in.readInt());
    return frame;
  }

  void write(DataOutputStream out) throws IOException {
    StringBuilder text = new StringBuilder();
    for (String[] line : lines) text.append(line[0]).append('=').append(line[1]).append('\n');
    byte[] head = text.toString().getBytes(StandardCharsets.UTF_8);
    out.writeInt(head.length);
    out.write(head);
    out.writeInt(octets.length);
    out.write(octets);
    out.flush();
  }

  void add(String name, String value) {
    lines.add(new String[] {name, value});
  }

  List<String[]> all(String name) {
    List<String[]> values = new ArrayList<>();
    for (String[] line : lines) if (line[0].equals(name)) values.add(line[1].split("\t", -1));
    return values;
  }

  String one(String name) {
    return all(name).get(0)[0];
  }

  boolean is(String name, String value) {
    return !all(name).isEmpty() && one(name).equals(value);
  }
}
