// OpenSSL's CMS in the process of Node: the same libcrypto that node:crypto uses, reached through the symbols that the
// Node binary exports. A mail entity in, a protected entity out, and back; memory to memory, keys parsed once.
//
// Tuned: i2d or d2i and one EVP base64 pass a layer, no MIME layer. S/MIME: OpenSSL's own SMIME_write_CMS and
// SMIME_read_CMS. Both build the certification path of the signer up to the anchor.

#include <node_api.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

typedef struct {
  uint8_t *at;
  size_t length;
} Octets;

typedef struct {
  EVP_PKEY *signing_key;
  X509 *signing_certificate;
  EVP_PKEY *receiving_key;
  X509 *receiving_certificate;
  X509_STORE *anchors;
} Parties;

// The signed layer inside the encrypted one.
enum form { OPAQUE_BASE64, OPAQUE_BINARY, DETACHED };

#define ENTITY(type, encoding)                                                                                    \
  "Content-Type: application/pkcs7-mime; smime-type=" type "; name=smime.p7m\r\n"                                 \
  "Content-Transfer-Encoding: " encoding "\r\n\r\n"
#define BOUNDARY "----6C1D0F5B4A7E4B0C9D3E"

static const char envelope_head[] = "MIME-Version: 1.0\r\n" ENTITY("enveloped-data", "base64");
static const char authenticated_head[] = "MIME-Version: 1.0\r\n" ENTITY("authEnveloped-data", "base64");
static const char opaque_base64_head[] = ENTITY("signed-data", "base64");
static const char opaque_binary_head[] = ENTITY("signed-data", "binary");
static const char multipart_head[] =
    "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256;\r\n"
    "\tboundary=\"" BOUNDARY "\"\r\n\r\n--" BOUNDARY "\r\n";
static const char signature_head[] =
    "\r\n--" BOUNDARY "\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\n";
static const char multipart_end[] = "--" BOUNDARY "--\r\n";

#define LENGTH_OF(text) (sizeof(text) - 1)

// Text and octets ------------------------------------------------------------------------------------------------

static size_t base64_length(size_t length) {
  size_t lines = (length + 56) / 57;
  return (length + 2) / 3 * 4 + 2 * lines;
}

// Lines of 76 characters and CRLF: what EVP_EncodeUpdate does with 64 and LF, and no slower.
static uint8_t *put_base64(uint8_t *to, const uint8_t *from, size_t length) {
  while (length > 0) {
    size_t line = length < 57 ? length : 57;
    to += EVP_EncodeBlock(to, from, (int)line);
    *to++ = '\r';
    *to++ = '\n';
    from += line;
    length -= line;
  }
  return to;
}

static uint8_t *put(uint8_t *to, const void *from, size_t length) {
  memcpy(to, from, length);
  return to + length;
}

static int decode_base64(const uint8_t *from, size_t length, Octets *octets) {
  EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
  int update = 0, final = 0, ok = 0;
  octets->at = OPENSSL_malloc(length / 4 * 3 + 3);
  if (context != NULL && octets->at != NULL) {
    EVP_DecodeInit(context);
    ok = EVP_DecodeUpdate(context, octets->at, &update, from, (int)length) >= 0 &&
         EVP_DecodeFinal(context, octets->at + update, &final) == 1;
    octets->length = (size_t)(update + final);
  }
  EVP_ENCODE_CTX_free(context);
  return ok;
}

static const uint8_t *find(const uint8_t *in, size_t length, const char *what, size_t what_length) {
  const uint8_t *end = in + length;
  while ((size_t)(end - in) >= what_length) {
    const uint8_t *at = memchr(in, what[0], (size_t)(end - in) - what_length + 1);
    if (at == NULL) return NULL;
    if (memcmp(at, what, what_length) == 0) return at;
    in = at + 1;
  }
  return NULL;
}

/* The octets after the first empty line. */
static int body_of(const uint8_t *entity, size_t length, const uint8_t **body, size_t *body_length) {
  const uint8_t *blank = find(entity, length, "\r\n\r\n", 4);
  if (blank == NULL) return 0;
  *body = blank + 4;
  *body_length = length - (size_t)(*body - entity);
  return 1;
}

static Octets octets_of(BIO *memory) {
  char *at = NULL;
  long length = BIO_get_mem_data(memory, &at);
  return (Octets){(uint8_t *)at, (size_t)length};
}

// CMS --------------------------------------------------------------------------------------------------------------

static CMS_ContentInfo *sign(const Parties *parties, BIO *content, unsigned int flags) {
  return CMS_sign(parties->signing_certificate, parties->signing_key, NULL, content, flags | CMS_BINARY);
}

static CMS_ContentInfo *encrypt(const Parties *parties, BIO *content, const EVP_CIPHER *cipher, unsigned int flags) {
  CMS_ContentInfo *cms = CMS_encrypt(NULL, NULL, cipher, flags | CMS_BINARY | CMS_PARTIAL);
  if (cms == NULL) return NULL;
  CMS_RecipientInfo *recipient = CMS_add1_recipient_cert(cms, parties->receiving_certificate, CMS_KEY_PARAM);
  int ok = recipient != NULL;
  if (ok && EVP_PKEY_is_a(parties->receiving_key, "EC")) {
    EVP_PKEY_CTX *agreement = CMS_RecipientInfo_get0_pkey_ctx(recipient);
    ok = agreement != NULL && EVP_PKEY_CTX_set_ecdh_kdf_md(agreement, EVP_sha256()) > 0;
  }
  if (ok && (flags & CMS_STREAM) == 0) ok = CMS_final(cms, content, NULL, flags | CMS_BINARY);
  if (ok) return cms;
  CMS_ContentInfo_free(cms);
  return NULL;
}

static CMS_ContentInfo *parse(const uint8_t *at, size_t length) {
  return d2i_CMS_ContentInfo(NULL, &at, (long)length);
}

// Tuned ------------------------------------------------------------------------------------------------------------

static int signed_entity(const Parties *parties, Octets entity, enum form form, Octets *inner) {
  BIO *content = BIO_new_mem_buf(entity.at, (int)entity.length);
  CMS_ContentInfo *cms = content == NULL ? NULL : sign(parties, content, form == DETACHED ? CMS_DETACHED : 0);
  uint8_t *der = NULL;
  int length = cms == NULL ? -1 : i2d_CMS_ContentInfo(cms, form == OPAQUE_BINARY ? NULL : &der);
  if (length > 0) {
    size_t room = sizeof multipart_head + entity.length + sizeof signature_head + base64_length((size_t)length);
    inner->at = OPENSSL_malloc(room + sizeof multipart_end + sizeof opaque_base64_head);
  }
  if (inner->at != NULL) {
    uint8_t *to = inner->at;
    if (form == OPAQUE_BASE64) {
      to = put(to, opaque_base64_head, LENGTH_OF(opaque_base64_head));
      to = put_base64(to, der, (size_t)length);
    } else if (form == OPAQUE_BINARY) {
      to = put(to, opaque_binary_head, LENGTH_OF(opaque_binary_head));
      i2d_CMS_ContentInfo(cms, &to);
    } else {
      to = put(to, multipart_head, LENGTH_OF(multipart_head));
      to = put(to, entity.at, entity.length);
      to = put(to, signature_head, LENGTH_OF(signature_head));
      to = put_base64(to, der, (size_t)length);
      to = put(to, multipart_end, LENGTH_OF(multipart_end));
    }
    inner->length = (size_t)(to - inner->at);
  }
  OPENSSL_free(der);
  CMS_ContentInfo_free(cms);
  BIO_free(content);
  return inner->at != NULL;
}

static int enveloped(const Parties *parties, Octets inner, const EVP_CIPHER *cipher, Octets *der) {
  BIO *content = BIO_new_mem_buf(inner.at, (int)inner.length);
  CMS_ContentInfo *cms = content == NULL ? NULL : encrypt(parties, content, cipher, 0);
  int length = cms == NULL ? -1 : i2d_CMS_ContentInfo(cms, &der->at);
  der->length = length > 0 ? (size_t)length : 0;
  CMS_ContentInfo_free(cms);
  BIO_free(content);
  return length > 0;
}

static BIO *decrypted(const Parties *parties, Octets message) {
  const uint8_t *body;
  size_t length;
  Octets der = {NULL, 0};
  CMS_ContentInfo *cms = NULL;
  BIO *inner = NULL;
  if (body_of(message.at, message.length, &body, &length) && decode_base64(body, length, &der) &&
      (cms = parse(der.at, der.length)) != NULL && (inner = BIO_new(BIO_s_mem())) != NULL &&
      !CMS_decrypt(cms, parties->receiving_key, parties->receiving_certificate, NULL, inner, 0)) {
    BIO_free(inner);
    inner = NULL;
  }
  CMS_ContentInfo_free(cms);
  OPENSSL_free(der.at);
  return inner;
}

/* Judges `cms` and gives its content, or that of `detached`. */
static BIO *verified(const Parties *parties, CMS_ContentInfo *cms, BIO *detached) {
  BIO *content = BIO_new(BIO_s_mem());
  if (cms != NULL && content != NULL &&
      CMS_verify(cms, NULL, parties->anchors, detached, content, CMS_BINARY | (detached ? CMS_DETACHED : 0)))
    return content;
  BIO_free(content);
  return NULL;
}

static BIO *verified_multipart(const Parties *parties, Octets inner) {
  static const char delimiter[] = "\r\n--" BOUNDARY "\r\n";
  const uint8_t *end = inner.at + inner.length, *part, *after, *body;
  size_t length;
  Octets der = {NULL, 0};
  BIO *content = NULL;
  if ((part = find(inner.at, inner.length, delimiter, LENGTH_OF(delimiter))) == NULL) return NULL;
  part += LENGTH_OF(delimiter);
  if ((after = find(part, (size_t)(end - part), delimiter, LENGTH_OF(delimiter))) == NULL) return NULL;
  const uint8_t *signature = after + LENGTH_OF(delimiter);
  const uint8_t *close = find(signature, (size_t)(end - signature), multipart_end, LENGTH_OF(multipart_end));
  if (close == NULL || !body_of(signature, (size_t)(close - signature), &body, &length)) return NULL;
  if (decode_base64(body, length, &der)) {
    CMS_ContentInfo *cms = parse(der.at, der.length);
    BIO *detached = BIO_new_mem_buf(part, (int)(after - part));
    content = verified(parties, cms, detached);
    BIO_free(detached);
    CMS_ContentInfo_free(cms);
  }
  OPENSSL_free(der.at);
  return content;
}

static BIO *verified_entity(const Parties *parties, Octets inner, enum form form) {
  const uint8_t *body;
  size_t length;
  Octets der = {NULL, 0};
  if (form == DETACHED) return verified_multipart(parties, inner);
  if (!body_of(inner.at, inner.length, &body, &length)) return NULL;
  if (form == OPAQUE_BASE64 && !decode_base64(body, length, &der)) {
    OPENSSL_free(der.at);
    return NULL;
  }
  CMS_ContentInfo *cms = der.at == NULL ? parse(body, length) : parse(der.at, der.length);
  OPENSSL_free(der.at);
  BIO *content = verified(parties, cms, NULL);
  CMS_ContentInfo_free(cms);
  return content;
}

// S/MIME API -------------------------------------------------------------------------------------------------------

static BIO *smime_protect(const Parties *parties, Octets entity, enum form form, const EVP_CIPHER *cipher) {
  int how = CMS_BINARY | CMS_STREAM | (form == DETACHED ? CMS_DETACHED : 0);
  BIO *content = BIO_new_mem_buf(entity.at, (int)entity.length), *inner = BIO_new(BIO_s_mem());
  BIO *message = BIO_new(BIO_s_mem());
  CMS_ContentInfo *signature = sign(parties, content, (unsigned int)how);
  int ok = signature != NULL && SMIME_write_CMS(inner, signature, content, how | CMS_CRLFEOL);
  CMS_ContentInfo *envelope = ok ? encrypt(parties, inner, cipher, CMS_STREAM) : NULL;
  ok = envelope != NULL && SMIME_write_CMS(message, envelope, inner, CMS_BINARY | CMS_STREAM | CMS_CRLFEOL);
  CMS_ContentInfo_free(envelope);
  CMS_ContentInfo_free(signature);
  BIO_free(inner);
  BIO_free(content);
  if (ok) return message;
  BIO_free(message);
  return NULL;
}

static BIO *smime_open(const Parties *parties, Octets message) {
  BIO *in = BIO_new_mem_buf(message.at, (int)message.length), *inner = BIO_new(BIO_s_mem());
  BIO *content = BIO_new(BIO_s_mem()), *detached = NULL;
  CMS_ContentInfo *envelope = SMIME_read_CMS(in, NULL), *signature = NULL;
  int ok = envelope != NULL &&
           CMS_decrypt(envelope, parties->receiving_key, parties->receiving_certificate, NULL, inner, 0) &&
           (signature = SMIME_read_CMS(inner, &detached)) != NULL &&
           CMS_verify(signature, NULL, parties->anchors, detached, content, detached == NULL ? CMS_BINARY : 0);
  CMS_ContentInfo_free(signature);
  CMS_ContentInfo_free(envelope);
  BIO_free(detached);
  BIO_free(inner);
  BIO_free(in);
  if (ok) return content;
  BIO_free(content);
  return NULL;
}

// Node -------------------------------------------------------------------------------------------------------------

static napi_value throw_failure(napi_env env, const char *where) {
  char text[512], reason[256];
  unsigned long code = ERR_peek_last_error();
  ERR_error_string_n(code, reason, sizeof reason);
  snprintf(text, sizeof text, "%s: %s", where, code == 0 ? "not readable" : reason);
  ERR_clear_error();
  napi_throw_error(env, "OPENSSL", text);
  return NULL;
}

static int arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *values) {
  size_t count = wanted;
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) == napi_ok && count == wanted) return 1;
  napi_throw_type_error(env, NULL, "wrong number of arguments");
  return 0;
}

static int octets_argument(napi_env env, napi_value value, Octets *octets) {
  if (napi_get_buffer_info(env, value, (void **)&octets->at, &octets->length) == napi_ok &&
      octets->length <= INT_MAX / 2)
    return 1;
  napi_throw_type_error(env, NULL, "a Buffer below 1 GiB is wanted");
  return 0;
}

static int number_argument(napi_env env, napi_value value, int *number) {
  if (napi_get_value_int32(env, value, number) == napi_ok) return 1;
  napi_throw_type_error(env, NULL, "a number is wanted");
  return 0;
}

static void release_memory(napi_env env, void *at, void *memory) {
  (void)env, (void)at;
  BIO_free(memory);
}

/* A Buffer over the memory of a BIO, which it then owns. */
static napi_value buffer_over(napi_env env, BIO *memory) {
  napi_value buffer;
  Octets octets = octets_of(memory);
  if (napi_create_external_buffer(env, octets.length, octets.at, release_memory, memory, &buffer) == napi_ok)
    return buffer;
  BIO_free(memory);
  napi_throw_error(env, NULL, "no Buffer");
  return NULL;
}

static void release_parties(napi_env env, void *external, void *hint) {
  (void)env, (void)hint;
  Parties *parties = external;
  EVP_PKEY_free(parties->signing_key);
  X509_free(parties->signing_certificate);
  EVP_PKEY_free(parties->receiving_key);
  X509_free(parties->receiving_certificate);
  X509_STORE_free(parties->anchors);
  OPENSSL_free(parties);
}

static EVP_PKEY *read_key(Octets pem) {
  BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.length);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
  BIO_free(bio);
  return key;
}

static X509 *read_certificate(Octets pem) {
  BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.length);
  X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  return certificate;
}

/* parties(signingKey, signingCertificate, receivingKey, receivingCertificate, anchor): PEM Buffers. */
static napi_value make_parties(napi_env env, napi_callback_info info) {
  napi_value values[5], external;
  Octets pem[5];
  if (!arguments(env, info, 5, values)) return NULL;
  for (int i = 0; i < 5; i++)
    if (!octets_argument(env, values[i], &pem[i])) return NULL;
  Parties *parties = OPENSSL_zalloc(sizeof *parties);
  X509 *anchor = read_certificate(pem[4]);
  parties->signing_key = read_key(pem[0]);
  parties->signing_certificate = read_certificate(pem[1]);
  parties->receiving_key = read_key(pem[2]);
  parties->receiving_certificate = read_certificate(pem[3]);
  parties->anchors = X509_STORE_new();
  int ok = anchor != NULL && parties->signing_key != NULL && parties->signing_certificate != NULL &&
           parties->receiving_key != NULL && parties->receiving_certificate != NULL &&
           X509_STORE_add_cert(parties->anchors, anchor);
  X509_free(anchor);
  if (ok && napi_create_external(env, parties, release_parties, NULL, &external) == napi_ok) return external;
  release_parties(env, parties, NULL);
  return throw_failure(env, "parties");
}

/* protect(parties, entity, form, authenticated) */
static napi_value protect(napi_env env, napi_callback_info info) {
  napi_value values[4], buffer = NULL;
  Parties *parties;
  Octets entity, inner = {NULL, 0}, der = {NULL, 0};
  int form, authenticated;
  if (!arguments(env, info, 4, values) || napi_get_value_external(env, values[0], (void **)&parties) != napi_ok ||
      !octets_argument(env, values[1], &entity) || !number_argument(env, values[2], &form) ||
      !number_argument(env, values[3], &authenticated))
    return NULL;
  const char *head = authenticated ? authenticated_head : envelope_head;
  uint8_t *to;
  int ok = signed_entity(parties, entity, (enum form)form, &inner) &&
           enveloped(parties, inner, authenticated ? EVP_aes_256_gcm() : EVP_aes_256_cbc(), &der);
  if (ok && napi_create_buffer(env, strlen(head) + base64_length(der.length), (void **)&to, &buffer) == napi_ok)
    put_base64(put(to, head, strlen(head)), der.at, der.length);
  OPENSSL_free(inner.at);
  OPENSSL_free(der.at);
  return ok ? buffer : throw_failure(env, "protect");
}

/* open(parties, message, form) */
static napi_value open_message(napi_env env, napi_callback_info info) {
  napi_value values[3];
  Parties *parties;
  Octets message;
  int form;
  if (!arguments(env, info, 3, values) || napi_get_value_external(env, values[0], (void **)&parties) != napi_ok ||
      !octets_argument(env, values[1], &message) || !number_argument(env, values[2], &form))
    return NULL;
  BIO *inner = decrypted(parties, message);
  BIO *content = inner == NULL ? NULL : verified_entity(parties, octets_of(inner), (enum form)form);
  BIO_free(inner);
  return content == NULL ? throw_failure(env, "open") : buffer_over(env, content);
}

/* protectSmime(parties, entity, form, authenticated) */
static napi_value protect_smime(napi_env env, napi_callback_info info) {
  napi_value values[4];
  Parties *parties;
  Octets entity;
  int form, authenticated;
  if (!arguments(env, info, 4, values) || napi_get_value_external(env, values[0], (void **)&parties) != napi_ok ||
      !octets_argument(env, values[1], &entity) || !number_argument(env, values[2], &form) ||
      !number_argument(env, values[3], &authenticated))
    return NULL;
  const EVP_CIPHER *cipher = authenticated ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
  BIO *message = smime_protect(parties, entity, (enum form)form, cipher);
  return message == NULL ? throw_failure(env, "protectSmime") : buffer_over(env, message);
}

/* openSmime(parties, message) */
static napi_value open_smime(napi_env env, napi_callback_info info) {
  napi_value values[2];
  Parties *parties;
  Octets message;
  if (!arguments(env, info, 2, values) || napi_get_value_external(env, values[0], (void **)&parties) != napi_ok ||
      !octets_argument(env, values[1], &message))
    return NULL;
  BIO *content = smime_open(parties, message);
  return content == NULL ? throw_failure(env, "openSmime") : buffer_over(env, content);
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor properties[] = {
      {"parties", NULL, make_parties, NULL, NULL, NULL, napi_enumerable, NULL},
      {"protect", NULL, protect, NULL, NULL, NULL, napi_enumerable, NULL},
      {"open", NULL, open_message, NULL, NULL, NULL, napi_enumerable, NULL},
      {"protectSmime", NULL, protect_smime, NULL, NULL, NULL, napi_enumerable, NULL},
      {"openSmime", NULL, open_smime, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties);
  return exports;
}
