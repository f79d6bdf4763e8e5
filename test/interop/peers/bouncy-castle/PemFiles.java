// Keys and certificates, read once.

import java.io.FileReader;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.Map;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;

final class PemFiles {
  private static final Provider BC = BouncyCastle.BC;

  private static final Map<String, Object> read = new HashMap<>();

  static synchronized Object object(String file) throws IOException {
    Object object = read.get(file);
    if (object == null) {
      try (PEMParser parser = new PEMParser(new FileReader(file))) {
        object = parser.readObject();
      }
      read.put(file, object);
    }
    return object;
  }

  static PrivateKey key(String file) throws IOException {
    return new JcaPEMKeyConverter().setProvider(BC).getPrivateKey((PrivateKeyInfo) object(file));
  }

  static X509CertificateHolder certificate(String file) throws IOException {
    return (X509CertificateHolder) object(file);
  }

  static X509Certificate jca(X509CertificateHolder holder) throws GeneralSecurityException {
    return new JcaX509CertificateConverter().setProvider(BC).getCertificate(holder);
  }
}
