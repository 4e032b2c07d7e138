import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { EXIT } from '../core/exit.ts';
import { readEndpoints, trustedCa } from '../flower/endpoints.ts';
import { readText } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { print } from '../host/output.ts';
import { describeCertificate } from '../tls/describe.ts';
import { certificatesIn } from '../tls/texts.ts';
import { defineCommand, UsageError } from './command.ts';
import { printErrorText } from './terminal.ts';

export const ca = defineCommand({
  name: 'ca',
  summary: 'Print the CA that SuperNodes trust, or its base64 value for FL_SSL_CA_CERTFILE',
  args: [],
  options: {
    base64: { description: 'print one line: the value of FL_SSL_CA_CERTFILE in another zone' },
    pem: { description: 'print the PEM text, for a form with a text64 field, which encodes it' },
  },
  text: 'On a SuperLink: its own CA, or that of FL_SSL_CA_CERTFILE. On a SuperNode: the CA that it trusts. Compare the fingerprints of both VMs before you use the value. The certificate is public; the key of the CA never leaves its VM.',
  examples: [
    ['flower-context ca', 'Print names, dates and fingerprint'],
    ['flower-context ca --base64', 'Print the value for FL_SSL_CA_CERTFILE'],
    [
      'flower-context ca --pem > ca.pem',
      'Write the file for a form in Sunstone, or for `flower-context probe --ca ca.pem`',
    ],
  ],
  async run({ machine, flag }) {
    if (flag('base64') && flag('pem')) throw new UsageError('--base64 and --pem exclude each other');
    const file = caFile(machine);
    if (file === undefined) {
      printErrorText('no CA: this VM uses plaintext (FL_TLS_ENABLED=NO)');
      return EXIT.notReady;
    }
    const pem = readText(file);
    if (pem === undefined) {
      printErrorText('no CA yet: the agent has not prepared TLS on this VM (`flower-context status`)');
      return EXIT.notReady;
    }
    if (flag('base64')) print(`${Buffer.from(pem).toString('base64')}\n`);
    else if (flag('pem')) print(pem);
    else print(describe(pem, file, machine.clock.now()));
    return EXIT.ok;
  },
});

/** Undefined in plaintext. Before the first boot has started Flower, only the own CA of a SuperLink may exist. */
function caFile({ paths }: Machine): string | undefined {
  const endpoints = readEndpoints(paths);
  return endpoints === undefined ? join(paths.tls, 'ca.pem') : trustedCa(endpoints);
}

const DAY_MS = 86_400_000;

function describe(text: string, file: string, now: Date): string {
  const { certificates } = certificatesIn(text);
  const lines = certificates.flatMap(({ pem }, index) => {
    const { subject, issuer, notBefore, notAfter, sha256, keyType, isCa } = describeCertificate(pem);
    const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS);
    return [
      ...(index === 0 ? [] : ['']),
      `subject      ${subject}`,
      ...(issuer === subject ? [] : [`issuer       ${issuer}`]),
      `key          ${keyType}${isCa ? '' : ' (not a CA certificate)'}`,
      `valid        ${notBefore.toISOString().slice(0, 10)} to ${notAfter.toISOString().slice(0, 10)} (${days < 0 ? `expired ${-days} days ago` : `${days} days left`})`,
      `fingerprint  SHA-256 ${sha256}`,
    ];
  });
  const count = certificates.length > 1 ? ` (${certificates.length} certificates)` : '';
  return [...lines, `file         ${file}${count}`, ''].join('\n');
}
