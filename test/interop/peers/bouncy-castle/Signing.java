// SignedData.

import java.io.ByteArrayOutputStream;
import java.security.PrivateKey;
import java.security.Provider;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.util.Selector;
import org.bouncycastle.util.Store;

final class Signing {
  private static final Provider BC = BouncyCastle.BC;

  /** form=opaque|detached encoding=der|ber|stream attributes=no sid=ski signer=KEY,CERT,ALGORITHM* certificate=FILE* */
  static byte[] sign(Frame request) throws Exception {
    boolean streamed = request.is("encoding", "stream");
    CMSSignedDataGenerator whole = new CMSSignedDataGenerator();
    CMSSignedDataStreamGenerator streaming = new CMSSignedDataStreamGenerator();
    CMSSignedGenerator generator = streamed ? streaming : whole;
    for (String[] signer : request.all("signer")) {
      X509CertificateHolder certificate = PemFiles.certificate(signer[1]);
      JcaSimpleSignerInfoGeneratorBuilder builder = new JcaSimpleSignerInfoGeneratorBuilder().setProvider(BC);
      builder.setDirectSignature(request.is("attributes", "no"));
      PrivateKey key = PemFiles.key(signer[0]);
      generator.addSignerInfoGenerator(
          request.is("sid", "ski")
              ? builder.build(signer[2], key, BouncyCastle.subjectKeyId(certificate))
              : builder.build(signer[2], key, certificate));
      generator.addCertificate(certificate);
    }
    for (String[] file : request.all("certificate")) generator.addCertificate(PemFiles.certificate(file[0]));
    boolean opaque = !request.is("form", "detached");
    if (streamed) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      BouncyCastle.pour(request.octets, streaming.open(out, opaque));
      return out.toByteArray();
    }
    CMSSignedData signed = whole.generate(new CMSProcessableByteArray(request.octets), opaque);
    return BouncyCastle.encode(signed.toASN1Structure(), request);
  }

  /** content=LENGTH: the octets end in what a detached signature covers. Answers content and signer=yes|no*. */
  static byte[] verify(Frame request, Frame answer) throws Exception {
    byte[] octets = request.octets;
    byte[] content = null;
    if (!request.all("content").isEmpty()) {
      int start = octets.length - Integer.parseInt(request.one("content"));
      content = Arrays.copyOfRange(octets, start, octets.length);
      octets = Arrays.copyOf(octets, start);
    }
    CMSSignedData signed = content == null
        ? new CMSSignedData(octets)
        : new CMSSignedData(new CMSProcessableByteArray(content), octets);
    List<X509CertificateHolder> further = new ArrayList<>();
    for (String[] file : request.all("certificate")) further.add(PemFiles.certificate(file[0]));
    for (SignerInformation signer : signed.getSignerInfos()) {
      answer.add("signer", verifies(signer, signed.getCertificates(), further) ? "yes" : "no");
    }
    return (byte[]) signed.getSignedContent().getContent();
  }

  @SuppressWarnings("unchecked")
  static boolean verifies(SignerInformation signer, Store<X509CertificateHolder> sent,
      List<X509CertificateHolder> further) throws Exception {
    Selector<X509CertificateHolder> wanted = signer.getSID();
    List<X509CertificateHolder> found = new ArrayList<>(sent.getMatches(wanted));
    for (X509CertificateHolder certificate : further) if (wanted.match(certificate)) found.add(certificate);
    if (found.isEmpty()) return false;
    try {
      return signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider(BC).build(found.get(0)));
    } catch (CMSException failure) {
      return false; // thrown where the digest differs
    }
  }
}
