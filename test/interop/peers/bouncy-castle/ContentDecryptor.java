// Content under a known key, authenticated or not.

import java.io.InputStream;
import java.io.OutputStream;
import javax.crypto.Cipher;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.jcajce.io.CipherInputStream;
import org.bouncycastle.operator.InputAEADDecryptor;

final class ContentDecryptor implements InputAEADDecryptor {
  private final AlgorithmIdentifier algorithm;
  private final Cipher cipher;

  ContentDecryptor(AlgorithmIdentifier algorithm, Cipher cipher) {
    this.algorithm = algorithm;
    this.cipher = cipher;
  }

  public AlgorithmIdentifier getAlgorithmIdentifier() {
    return algorithm;
  }

  public InputStream getInputStream(InputStream encrypted) {
    return new CipherInputStream(encrypted, cipher); // the JDK's own hides a wrong tag
  }

  public OutputStream getAADStream() {
    return new OutputStream() {
      public void write(int octet) {
        cipher.updateAAD(new byte[] {(byte) octet});
      }

      public void write(byte[] octets, int from, int length) {
        cipher.updateAAD(octets, from, length);
      }
    };
  }

  public byte[] getMAC() {
    return new byte[0]; // follows the content and is checked by the cipher
  }
}
