// X25519 with HKDF (RFC 8418): Bouncy Castle 1.72 has the parts but not the CMS.

import java.io.IOException;
import java.security.*;
import java.security.cert.X509Certificate;
import java.security.spec.X509EncodedKeySpec;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.asn1.*;
import org.bouncycastle.asn1.cms.*;
import org.bouncycastle.asn1.cms.ecc.ECCCMSSharedInfo;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cms.*;
import org.bouncycastle.crypto.digests.*;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.params.HKDFParameters;
import org.bouncycastle.operator.GenericKey;

final class Rfc8418 {
  private static final Provider BC = BouncyCastle.BC;

  static final Map<String, String> schemes = Map.of(
      "sha256", "1.2.840.113549.1.9.16.3.19", "sha384", "1.2.840.113549.1.9.16.3.20",
      "sha512", "1.2.840.113549.1.9.16.3.21");

  private static final Map<ASN1ObjectIdentifier, Integer> wrapBits =
      Map.of(CMSAlgorithm.AES128_WRAP, 128, CMSAlgorithm.AES192_WRAP, 192, CMSAlgorithm.AES256_WRAP, 256);

  static Key wrappingKey(String hash, PrivateKey own, PublicKey other, AlgorithmIdentifier wrap, byte[] ukm)
      throws GeneralSecurityException, IOException {
    KeyAgreement agreement = KeyAgreement.getInstance("X25519", BC);
    agreement.init(own);
    agreement.doPhase(other, true);
    int bits = wrapBits.get(wrap.getAlgorithm());
    byte[] length = {0, 0, (byte) (bits >> 8), (byte) bits};
    byte[] info = new ECCCMSSharedInfo(wrap, ukm, length).getEncoded(ASN1Encoding.DER);
    HKDFBytesGenerator generator = new HKDFBytesGenerator(
        hash.equals("sha256") ? new SHA256Digest() : hash.equals("sha384") ? new SHA384Digest() : new SHA512Digest());
    generator.init(new HKDFParameters(agreement.generateSecret(), null, info));
    byte[] key = new byte[bits / 8];
    generator.generateBytes(key, 0, key.length);
    return new SecretKeySpec(key, "AES");
  }

  static PublicKey publicKey(byte[] raw) throws GeneralSecurityException, IOException {
    byte[] spki = new SubjectPublicKeyInfo(new AlgorithmIdentifier(EdECObjectIdentifiers.id_X25519), raw).getEncoded();
    return KeyFactory.getInstance("X25519", BC).generatePublic(new X509EncodedKeySpec(spki));
  }

  static final class Writer implements RecipientInfoGenerator {
    private final X509Certificate certificate;
    private final String hash;
    private final byte[] keyId;

    Writer(X509Certificate certificate, String hash, byte[] keyId) {
      this.certificate = certificate;
      this.hash = hash;
      this.keyId = keyId;
    }

    public RecipientInfo generate(GenericKey contentKey) throws CMSException {
      try {
        KeyPair ephemeral = KeyPairGenerator.getInstance("X25519", BC).generateKeyPair();
        AlgorithmIdentifier wrap = new AlgorithmIdentifier(CMSAlgorithm.AES256_WRAP);
        Key key = wrappingKey(hash, ephemeral.getPrivate(), certificate.getPublicKey(), wrap, null);
        Cipher cipher = Cipher.getInstance("AESWrap", BC);
        cipher.init(Cipher.WRAP_MODE, key);
        byte[] encrypted = cipher.wrap(new SecretKeySpec((byte[]) contentKey.getRepresentation(), "AES"));
        JcaX509CertificateHolder holder = new JcaX509CertificateHolder(certificate);
        KeyAgreeRecipientIdentifier rid = keyId == null
            ? new KeyAgreeRecipientIdentifier(new IssuerAndSerialNumber(holder.toASN1Structure()))
            : new KeyAgreeRecipientIdentifier(new RecipientKeyIdentifier(keyId));
        ASN1Sequence entries = new DERSequence(new RecipientEncryptedKey(rid, new DEROctetString(encrypted)));
        SubjectPublicKeyInfo sender = SubjectPublicKeyInfo.getInstance(ephemeral.getPublic().getEncoded());
        OriginatorPublicKey originator =
            new OriginatorPublicKey(sender.getAlgorithm(), sender.getPublicKeyData().getBytes());
        return new RecipientInfo(new KeyAgreeRecipientInfo(new OriginatorIdentifierOrKey(originator), null,
            new AlgorithmIdentifier(new ASN1ObjectIdentifier(schemes.get(hash)), wrap), entries));
      } catch (GeneralSecurityException | IOException failure) {
        throw new CMSException("recipient", failure);
      }
    }
  }

  static final class Reader implements KeyAgreeRecipient {
    private final PrivateKey key;

    Reader(PrivateKey key) {
      this.key = key;
    }

    public AlgorithmIdentifier getPrivateKeyAlgorithmIdentifier() {
      return PrivateKeyInfo.getInstance(key.getEncoded()).getPrivateKeyAlgorithm();
    }

    public RecipientOperator getRecipientOperator(AlgorithmIdentifier keyEncryption, AlgorithmIdentifier contentCipher,
        SubjectPublicKeyInfo sender, ASN1OctetString ukm, byte[] encryptedKey) throws CMSException {
      try {
        String scheme = keyEncryption.getAlgorithm().getId();
        String hash = schemes.entrySet().stream().filter(e -> e.getValue().equals(scheme)).findFirst().get().getKey();
        AlgorithmIdentifier wrap = AlgorithmIdentifier.getInstance(keyEncryption.getParameters());
        PublicKey other = publicKey(sender.getPublicKeyData().getBytes());
        Cipher cipher = Cipher.getInstance("AESWrap", BC);
        cipher.init(Cipher.UNWRAP_MODE, wrappingKey(hash, key, other, wrap, ukm == null ? null : ukm.getOctets()));
        return Encrypting.operator(cipher.unwrap(encryptedKey, "AES", Cipher.SECRET_KEY), contentCipher);
      } catch (GeneralSecurityException | IOException failure) {
        throw new CMSException("recipient", failure);
      }
    }
  }
}
