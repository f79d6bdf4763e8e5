// A signer and a recipient with everything parsed beforehand.

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.mail.internet.MimeBodyPart;
import javax.mail.internet.MimeMultipart;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.mail.smime.*;
import org.bouncycastle.util.CollectionStore;
import org.bouncycastle.util.Selector;
import org.bouncycastle.util.Store;

final class Parties {
  private static final Provider BC = BouncyCastle.BC;

  private final PrivateKey signingKey;
  private final PrivateKey recipientKey;
  private final X509CertificateHolder signer;
  private final X509Certificate recipient;
  private final PublicKey issuer;
  private final String algorithm;

  Parties(Frame request) throws Exception {
    String[] signing = request.all("signer").get(0);
    String[] receiving = request.all("recipient").get(0);
    signingKey = PemFiles.key(signing[0]);
    signer = PemFiles.certificate(signing[1]);
    algorithm = signing[2];
    recipientKey = PemFiles.key(receiving[0]);
    recipient = PemFiles.jca(PemFiles.certificate(receiving[1]));
    issuer = PemFiles.jca(PemFiles.certificate(request.one("issuer"))).getPublicKey();
  }

  byte[] protect(byte[] entity, boolean opaque) throws Exception {
    SMIMESignedGenerator signing = new SMIMESignedGenerator();
    signing.addSignerInfoGenerator(
        new JcaSimpleSignerInfoGeneratorBuilder().setProvider(BC).build(algorithm, signingKey, signer));
    signing.addCertificates(new CollectionStore<>(List.of(signer)));
    MimeBodyPart part = new MimeBodyPart(new ByteArrayInputStream(entity));
    MimeBodyPart signed = new MimeBodyPart();
    if (opaque) signed = signing.generateEncapsulated(part);
    else signed.setContent(signing.generate(part));

    SMIMEEnvelopedGenerator encrypting = new SMIMEEnvelopedGenerator();
    encrypting.addRecipientInfoGenerator(new JceKeyTransRecipientInfoGenerator(recipient).setProvider(BC));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    encrypting.generate(signed, new JceCMSContentEncryptorBuilder(CMSAlgorithm.AES256_CBC).setProvider(BC).build())
        .writeTo(out);
    return out.toByteArray();
  }

  byte[] open(byte[] message, boolean opaque) throws Exception {
    SMIMEEnveloped enveloped = new SMIMEEnveloped(new MimeBodyPart(new ByteArrayInputStream(message)));
    RecipientInformation entry = enveloped.getRecipientInfos().get(new JceKeyTransRecipientId(recipient));
    MimeBodyPart inner =
        SMIMEUtil.toMimeBodyPart(entry.getContent(new JceKeyTransEnvelopedRecipient(recipientKey).setProvider(BC)));
    SMIMESigned signed = opaque ? new SMIMESigned(inner) : new SMIMESigned((MimeMultipart) inner.getContent());
    for (SignerInformation information : signed.getSignerInfos()) verify(information, signed.getCertificates());
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    signed.getContent().writeTo(out);
    return out.toByteArray();
  }

  @SuppressWarnings("unchecked")
  private void verify(SignerInformation information, Store<X509CertificateHolder> sent) throws Exception {
    X509CertificateHolder holder =
        sent.getMatches((Selector<X509CertificateHolder>) information.getSID()).iterator().next();
    X509Certificate certificate = PemFiles.jca(holder);
    certificate.checkValidity();
    certificate.verify(issuer, BC);
    if (!information.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider(BC).build(certificate))) {
      throw new CMSException("the signature is wrong");
    }
  }
}
