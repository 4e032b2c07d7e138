// PEM in a variable. The command line and Sunstone 6 encode what is typed into a `text64` input, Sunstone 7 does not, and
// some operators encode it themselves. So the value is PEM, or base64 of it, once or twice. src/tls reads what is inside.
import { Buffer } from 'node:buffer';
import {
  isBase64,
  isCertificateLabel,
  isPrivateKeyLabel,
  type PemBlock,
  pemOf,
  readPem,
} from '../core/pem.ts';
import { err, ok, type Result } from '../core/result.ts';

/** Characters of base64: a chain of a dozen certificates has 30 thousand. */
const MOST_CHARACTERS = 262_144;

/** Certificates without a private key, as clean PEM. */
export function readCertificates(text: string): Result<string> {
  const blocks = readBlocks(text);
  if (!blocks.ok) return blocks;
  if (blocks.value.some(({ label }) => isPrivateKeyLabel(label)))
    return err('it holds a private key; only certificates belong here, because this variable is public');
  return blocks.value.some(({ label }) => isCertificateLabel(label))
    ? clean(blocks.value)
    : err('the PEM inside holds no certificate');
}

/** A private key that needs no passphrase, as clean PEM. */
export function readPrivateKey(text: string): Result<string> {
  const blocks = readBlocks(text);
  if (!blocks.ok) return blocks;
  const keys = blocks.value.filter(({ label }) => isPrivateKeyLabel(label));
  if (keys.length === 0) return err('the PEM inside holds no private key');
  return keys.some(({ encrypted }) => encrypted)
    ? err('the private key is encrypted with a passphrase, and nobody can enter it at boot')
    : clean(blocks.value);
}

const clean = (blocks: readonly PemBlock[]): Result<string> =>
  ok(blocks.map(({ label, der }) => pemOf(label, der)).join(''));

/** `layers`: how often the text may be encoded. */
function readBlocks(text: string, layers = 2): Result<readonly PemBlock[]> {
  if (text.length > MOST_CHARACTERS) return err(`longer than ${MOST_CHARACTERS} characters`);
  if (text.includes('-----BEGIN ')) {
    const { blocks, damage } = readPem(text);
    if (damage !== undefined) return err(damage);
    return blocks.length > 0 ? ok(blocks) : err('it has no complete PEM block');
  }
  if (/[^\t\n\r\x20-\x7e]/.test(text)) return err('it is not PEM text (convert DER to PEM first)');
  const base64 = text.replaceAll(/\s/g, '');
  if (!isBase64(base64)) return err('it is neither PEM nor complete base64 of PEM');
  if (layers === 0) return err('it is encoded more than twice');
  return readBlocks(Buffer.from(base64, 'base64').toString('latin1'), layers - 1);
}
