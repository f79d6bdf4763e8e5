// EnvelopedData and AuthEnvelopedData.

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.security.*;
import java.security.cert.X509Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.util.Date;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import org.bouncycastle.asn1.*;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.Time;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;
import org.bouncycastle.util.Selector;

final class Encrypting {
  private static final Provider BC = BouncyCastle.BC;

  /** cipher=aes256-cbc encoding=der|ber|stream attributes=authenticated recipient=CERT,KEYMANAGEMENT,issuer|ski* */
  static byte[] encrypt(Frame request) throws Exception {
    String cipher = request.one("cipher");
    OutputEncryptor encryptor = new JceCMSContentEncryptorBuilder(contentCiphers.get(cipher)).setProvider(BC).build();
    CMSTypedData content = new CMSProcessableByteArray(request.octets);
    if (request.is("encoding", "stream")) {
      CMSEnvelopedDataStreamGenerator generator = new CMSEnvelopedDataStreamGenerator();
      for (String[] to : request.all("recipient")) generator.addRecipientInfoGenerator(recipient(to));
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      BouncyCastle.pour(request.octets, generator.open(out, encryptor));
      return out.toByteArray();
    }
    if (cipher.endsWith("-cbc")) {
      CMSEnvelopedDataGenerator generator = new CMSEnvelopedDataGenerator();
      for (String[] to : request.all("recipient")) generator.addRecipientInfoGenerator(recipient(to));
      return BouncyCastle.encode(generator.generate(content, encryptor).toASN1Structure(), request);
    }
    CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
    for (String[] to : request.all("recipient")) generator.addRecipientInfoGenerator(recipient(to));
    if (request.is("attributes", "authenticated")) {
      generator.setAuthenticatedAttributeGenerator(new SimpleAttributeTableGenerator(someAttributes()));
      generator.setUnauthenticatedAttributeGenerator(new SimpleAttributeTableGenerator(someAttributes()));
    }
    return BouncyCastle.encode(generator.generate(content, (OutputAEADEncryptor) encryptor).toASN1Structure(), request);
  }

  static AttributeTable someAttributes() {
    ASN1EncodableVector attributes = new ASN1EncodableVector();
    attributes.add(new Attribute(CMSAttributes.contentType, new DERSet(CMSObjectIdentifiers.data)));
    attributes.add(new Attribute(CMSAttributes.signingTime, new DERSet(new Time(new Date()))));
    return new AttributeTable(attributes);
  }

  /** key=FILE certificate=FILE */
  static byte[] decrypt(Frame request) throws Exception {
    ContentInfo info = ContentInfo.getInstance(request.octets);
    boolean aead = info.getContentType().equals(CMSObjectIdentifiers.authEnvelopedData);
    RecipientInformationStore recipients = aead
        ? new CMSAuthEnvelopedData(info).getRecipientInfos()
        : new CMSEnvelopedData(info).getRecipientInfos();
    PrivateKey key = PemFiles.key(request.one("key"));
    X509CertificateHolder certificate = PemFiles.certificate(request.one("certificate"));
    for (RecipientInformation recipient : recipients.getRecipients()) {
      if (!named(recipient, certificate)) continue;
      return recipient.getContent(reader(recipient, key, aead));
    }
    throw new CMSException("no recipient names this certificate");
  }

  /** Whether this entry is for the certificate, whatever kind of entry and of identifier it is. */
  @SuppressWarnings("unchecked")
  static boolean named(RecipientInformation recipient, X509CertificateHolder certificate) {
    Object rid = recipient.getRID();
    return rid instanceof Selector && ((Selector<Object>) rid).match(certificate);
  }

  static Recipient reader(RecipientInformation recipient, PrivateKey key, boolean aead) {
    if (recipient instanceof KeyTransRecipientInformation) {
      return aead
          ? new JceKeyTransAuthEnvelopedRecipient(key).setProvider(BC)
          : new JceKeyTransEnvelopedRecipient(key).setProvider(BC);
    }
    return key.getAlgorithm().startsWith("X") ? new Rfc8418.Reader(key) : new AgreedReader(key);
  }

  static RecipientInfoGenerator recipient(String[] to) throws Exception {
    X509CertificateHolder holder = PemFiles.certificate(to[0]);
    X509Certificate certificate = PemFiles.jca(holder);
    byte[] keyId = to[2].equals("ski") ? BouncyCastle.subjectKeyId(holder) : null;
    if (to[1].startsWith("rsa")) return keyTransport(to[1], certificate, keyId);
    if (to[1].startsWith("ecdh-hkdf")) return new Rfc8418.Writer(certificate, to[1].substring(10), keyId);
    KeyPair ephemeral = ephemeralFor(certificate.getPublicKey());
    ASN1ObjectIdentifier scheme = agreements.get(to[1]);
    JceKeyAgreeRecipientInfoGenerator agreement = new JceKeyAgreeRecipientInfoGenerator(
        scheme, ephemeral.getPrivate(), ephemeral.getPublic(), CMSAlgorithm.AES256_WRAP).setProvider(BC);
    return keyId == null
        ? agreement.addRecipient(certificate)
        : agreement.addRecipient(keyId, certificate.getPublicKey());
  }

  static RecipientInfoGenerator keyTransport(String name, X509Certificate certificate, byte[] keyId) throws Exception {
    if (name.equals("rsa-v15")) {
      return (keyId == null
          ? new JceKeyTransRecipientInfoGenerator(certificate)
          : new JceKeyTransRecipientInfoGenerator(keyId, certificate.getPublicKey())).setProvider(BC);
    }
    String hash = "SHA-" + name.substring("rsa-oaep-sha".length());
    AlgorithmIdentifier oaep = new JcaAlgorithmParametersConverter().getAlgorithmIdentifier(
        PKCSObjectIdentifiers.id_RSAES_OAEP,
        new OAEPParameterSpec(hash, "MGF1", new MGF1ParameterSpec(hash), PSource.PSpecified.DEFAULT));
    return (keyId == null
        ? new JceKeyTransRecipientInfoGenerator(certificate, oaep)
        : new JceKeyTransRecipientInfoGenerator(keyId, oaep, certificate.getPublicKey())).setProvider(BC);
  }

  static KeyPair ephemeralFor(PublicKey recipient) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", BC);
    generator.initialize(((java.security.interfaces.ECKey) recipient).getParams());
    return generator.generateKeyPair();
  }

  /** Content under a key that was agreed upon; Bouncy Castle 1.72 itself has this for EnvelopedData only. */
  static RecipientOperator operator(Key contentKey, AlgorithmIdentifier algorithm) throws CMSException {
    try {
      AlgorithmParameters parameters = AlgorithmParameters.getInstance(algorithm.getAlgorithm().getId(), BC);
      parameters.init(algorithm.getParameters().toASN1Primitive().getEncoded());
      Cipher cipher = Cipher.getInstance(algorithm.getAlgorithm().getId(), BC);
      cipher.init(Cipher.DECRYPT_MODE, contentKey, parameters);
      return new RecipientOperator(new ContentDecryptor(algorithm, cipher));
    } catch (GeneralSecurityException | IOException failure) {
      throw new CMSException("content", failure);
    }
  }

  static final Map<String, ASN1ObjectIdentifier> contentCiphers = Map.of(
      "aes128-cbc", CMSAlgorithm.AES128_CBC, "aes192-cbc", CMSAlgorithm.AES192_CBC,
      "aes256-cbc", CMSAlgorithm.AES256_CBC, "des-ede3-cbc", CMSAlgorithm.DES_EDE3_CBC,
      "aes128-gcm", CMSAlgorithm.AES128_GCM, "aes192-gcm", CMSAlgorithm.AES192_GCM,
      "aes256-gcm", CMSAlgorithm.AES256_GCM, "aes128-ccm", CMSAlgorithm.AES128_CCM,
      "aes256-ccm", CMSAlgorithm.AES256_CCM);

  static final Map<String, ASN1ObjectIdentifier> agreements = Map.of(
      "ecdh-sha1", CMSAlgorithm.ECDH_SHA1KDF, "ecdh-sha256", CMSAlgorithm.ECDH_SHA256KDF,
      "ecdh-sha384", CMSAlgorithm.ECDH_SHA384KDF, "ecdh-sha512", CMSAlgorithm.ECDH_SHA512KDF,
      "ecdh-cofactor-sha256", CMSAlgorithm.ECCDH_SHA256KDF);
}
