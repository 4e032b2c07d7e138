// PEM as a `text64` input delivers it: the command line and Sunstone 6 encode what is typed in, Sunstone 7 does not, and
// some people encode it themselves. So: PEM, or base64 of it, once or twice. What is inside, src/tls reads.
import { Buffer } from 'node:buffer';
import { err, ok, type Result } from '../core/result.ts';

/** Characters of base64: a chain of a dozen certificates has 30 thousand. */
const MOST_CHARACTERS = 262_144;

/** Reads PEM, or base64 of it (blanks and line ends inside are dropped), with certificates and no private key. */
export function readCertificates(text: string): Result<string> {
  const pem = readPem(text);
  if (!pem.ok) return pem;
  const labels = labelsOf(pem.value);
  if (labels.some((label) => label.endsWith('PRIVATE KEY')))
    return err('it holds a private key; certificates are public, and only they are wanted here');
  return labels.some((label) => label.endsWith('CERTIFICATE'))
    ? pem
    : err('the PEM inside holds no certificate');
}

/** Reads PEM, or base64 of it, with a private key that needs no passphrase. */
export function readPrivateKey(text: string): Result<string> {
  const pem = readPem(text);
  if (!pem.ok) return pem;
  const keys = labelsOf(pem.value).filter((label) => label.endsWith('PRIVATE KEY'));
  if (keys.length === 0) return err('the PEM inside holds no private key');
  const encrypted = keys.includes('ENCRYPTED PRIVATE KEY') || /^Proc-Type:.*ENCRYPTED/m.test(pem.value);
  return encrypted
    ? err('the private key is encrypted with a passphrase, which nobody can enter at boot')
    : pem;
}

function readPem(text: string, again = true): Result<string> {
  if (text.length > MOST_CHARACTERS) return err(`longer than ${MOST_CHARACTERS} characters`);
  if (/^\s*-----BEGIN/m.test(text)) return plainPem(text);
  const base64 = text.replaceAll(/[ \t\r\n]+/g, '');
  const body = base64.replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]+$/.test(body)) return err('it is not base64');
  if (body.length % 4 === 1 || (base64 !== body && base64.length % 4 !== 0))
    return err('the base64 is cut off');
  const pem = Buffer.from(body, 'base64').toString('latin1');
  // Whoever pastes the line that `flower-context ca --base64` prints into a field that encodes has encoded it twice.
  if (pem.startsWith('LS0tLS1CRUdJTi'))
    return again ? readPem(pem.trim(), false) : err('it was encoded three times');
  if (/[^\t\n\r\x20-\x7e]/.test(pem))
    return err('what the base64 holds is not PEM text (DER has to be converted first)');
  return plainPem(pem);
}

function plainPem(text: string): Result<string> {
  const pem = `${text.replaceAll('\r\n', '\n').trimEnd()}\n`;
  return labelsOf(pem).length > 0 ? ok(pem) : err('it has no complete PEM block');
}

/** Labels of the PEM blocks that have both ends: CERTIFICATE, PRIVATE KEY ... */
function labelsOf(pem: string): string[] {
  const labels: string[] = [];
  let open: string | undefined;
  for (const line of pem.split('\n')) {
    const [, edge, label] = /^-----(BEGIN|END) ([A-Z0-9 ]+)-----\s*$/.exec(line) ?? [];
    if (edge === 'BEGIN') open = label;
    else if (edge === 'END' && label !== undefined && label === open) {
      labels.push(label);
      open = undefined;
    }
  }
  return labels;
}
