// Bouncy Castle as a long-living CMS peer: one request, one answer, over stdin and stdout. Started by bouncy-castle.ts;
// for Debian 12's version 1.72. What 1.72 lacks is made of its parts: key agreement in AuthEnvelopedData, RFC 8418.

import java.io.*;
import java.security.Provider;
import java.security.Security;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Object;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

public final class BouncyCastle {
  static final Provider BC = new BouncyCastleProvider();

  public static void main(String[] arguments) throws Exception {
    Security.addProvider(BC); // the S/MIME classes look for it by name
    DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
    DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
    for (;;) {
      Frame request;
      try {
        request = Frame.read(in);
      } catch (EOFException end) {
        return;
      }
      Frame answer = new Frame();
      try {
        answer.octets = perform(request, answer);
      } catch (Exception failure) {
        answer.octets = new byte[0];
        answer.add("error", String.valueOf(failure).replace('\n', ' '));
      }
      answer.write(out);
    }
  }

  static byte[] perform(Frame request, Frame answer) throws Exception {
    switch (request.one("do")) {
      case "version":
        answer.add("java", System.getProperty("java.version"));
        answer.add("bouncyCastle", String.valueOf(BC.getVersionStr()));
        return new byte[0];
      case "sign":
        return Signing.sign(request);
      case "verify":
        return Signing.verify(request, answer);
      case "encrypt":
        return Encrypting.encrypt(request);
      case "decrypt":
        return Encrypting.decrypt(request);
      case "measure":
        return Measuring.measure(request, answer);
      default:
        throw new IllegalArgumentException("do=" + request.one("do"));
    }
  }

  static byte[] encode(ASN1Object structure, Frame request) throws IOException {
    return structure.getEncoded(request.is("encoding", "ber") ? ASN1Encoding.BER : ASN1Encoding.DER);
  }

  /** Writes in pieces of odd length, as content arrives that streams, and closes. */
  static void pour(byte[] octets, OutputStream to) throws IOException {
    try (OutputStream closing = to) {
      for (int at = 0; at < octets.length; at += 5000) closing.write(octets, at, Math.min(5000, octets.length - at));
    }
  }

  static byte[] subjectKeyId(X509CertificateHolder certificate) {
    return SubjectKeyIdentifier.fromExtensions(certificate.getExtensions()).getKeyIdentifier();
  }
}
