// Reads what a key agreement by Bouncy Castle itself protects.

import java.security.Key;
import java.security.PrivateKey;
import java.security.Provider;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.RecipientOperator;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipient;

final class AgreedReader extends JceKeyAgreeRecipient {
  private static final Provider BC = BouncyCastle.BC;

  AgreedReader(PrivateKey key) {
    super(key);
    setProvider(BC);
  }

  public RecipientOperator getRecipientOperator(AlgorithmIdentifier keyEncryption, AlgorithmIdentifier contentCipher,
      SubjectPublicKeyInfo sender, ASN1OctetString ukm, byte[] encryptedKey) throws CMSException {
    Key key = extractSecretKey(keyEncryption, contentCipher, sender, ukm, encryptedKey);
    return Encrypting.operator(key, contentCipher);
  }
}
