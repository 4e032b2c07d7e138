// A text64 field of OpenNebula's forms encodes its value, so a line that was base64 already arrives encoded twice.
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCertificates } from '../../../src/config/pem-value.ts';

const pem = readFileSync(join(import.meta.dirname, '../../support/certs/root.pem'), 'latin1');
const encode = (text: string): string => Buffer.from(text).toString('base64');

test('a certificate pasted as PEM and one pasted as base64 are read as the same', () => {
  expect(readCertificates(encode(pem))).toEqual({ ok: true, value: pem });
  expect(readCertificates(encode(encode(pem)))).toEqual({ ok: true, value: pem });
  expect(readCertificates(encode(`${encode(pem)}\n`))).toEqual({ ok: true, value: pem });
});

test('similar texts are refused', () => {
  expect(readCertificates(encode('LS0tLS1CRUdJTi but no base64'))).toMatchObject({ ok: false });
});
