// The kinds of values of variables: the USER_INPUT type, what is accepted, and the schema.
import * as z from 'zod';
import { closestMatch } from '../core/closest-match.ts';
import { type HostPort, readHostPort } from '../core/hostport.ts';
import { isUnspecified, parseIp } from '../core/ip.ts';
import { err, ok, type Result } from '../core/result.ts';
import { readCertificates, readPrivateKey } from './pem-value.ts';
import type { InputType, Kind } from './variable.ts';

/** The largest whole number: Flower, gRPC and timers count with 32 bits. */
const MOST = 2_147_483_647;

/** Seconds that still fit 32 bits as milliseconds: 24 days. */
export const MOST_SECONDS = 2_147_483;

/** A schema from a reading function. */
const schemaOf = <Value>(read: (text: string) => Result<Value>): z.ZodType<Value, string> =>
  z.string().transform((text, context): Value => {
    const outcome = read(text);
    if (outcome.ok) return outcome.value;
    context.issues.push({ code: 'custom', message: outcome.why, input: undefined });
    return z.NEVER;
  });

export function yesNo(): Kind<boolean> {
  const schema = z
    .string()
    .regex(/^([Yy][Ee][Ss]|[Nn][Oo])$/, { error: 'this is neither YES nor NO' })
    .transform((text) => text.toUpperCase() === 'YES');
  return { input: 'boolean', expected: 'YES or NO', schema };
}

export function oneOf<const Options extends readonly [string, ...string[]]>(
  options: Options,
): Kind<Options[number]> {
  const error = ({ input }: { input?: unknown }): string => {
    const meant = closestMatch(String(input), options);
    return `this is not one of the choices${meant === undefined ? '' : `; did you mean ${meant}?`}`;
  };
  const expected = `one of ${options.join(', ')}`;
  return { input: 'list', options, expected, schema: z.enum(options, { error }) };
}

export function wholeNumber({ least, most = MOST }: { least: number; most?: number }): Kind<number> {
  const words =
    most === MOST ? `a whole number, ${least} or more` : `a whole number from ${least} to ${most}`;
  const schema = z
    .string()
    .regex(/^(0|-?[1-9]\d*)$/, { error: 'this is not a whole number in plain decimal' })
    .transform(Number)
    .refine((value) => value >= least, { error: `this is less than ${least}` })
    .refine((value) => value <= most, { error: `this is more than ${most}` });
  return { input: 'number', expected: words, schema };
}

interface FloatRange {
  readonly above?: number;
  readonly least?: number;
  readonly below?: number;
  readonly most?: number;
}

export function decimal({ above, least, below, most }: FloatRange): Kind<number> {
  const bounds = [
    above !== undefined && `more than ${above}`,
    least !== undefined && `${least} or more`,
    below !== undefined && `less than ${below}`,
    most !== undefined && `${most} or less`,
  ].filter((bound) => bound !== false);
  const within = (value: number): boolean =>
    value > (above ?? -Infinity) &&
    value >= (least ?? -Infinity) &&
    value < (below ?? Infinity) &&
    value <= (most ?? Infinity);
  const schema = z
    .string()
    .regex(/^-?(0|[1-9]\d{0,14})(\.\d{1,15})?$/, { error: 'this is not a number in plain decimal' })
    .transform((text) => Number(text) + 0) // -0 is 0
    .refine(within, { error: 'this is outside the range' });
  return { input: 'number-float', expected: `a number, ${bounds.join(' and ')}`, schema };
}

/** An address to listen on. */
export const listenAddress = (): Kind<HostPort> =>
  text('host:port or [IPv6]:port, port 1-65535', readHostPort);

/** An address to connect to: the wildcard addresses are refused. */
export const dialAddress = (): Kind<HostPort> =>
  text('host:port or [IPv6]:port of another machine, port 1-65535', (given) => {
    const address = readHostPort(given);
    const ip = address.ok ? parseIp(address.value.host) : undefined;
    return ip !== undefined && isUnspecified(ip)
      ? err('this address is only for listening, no client can connect to it')
      : address;
  });

/** A file below the state directory: no absolute path, no `..`. `spellings` maps other accepted texts to their values. */
export const pathBelow = (spellings: Readonly<Record<string, string>> = {}): Kind<string> =>
  text(
    ['a relative path of letters, digits and . _ / - without ..', ...Object.keys(spellings)].join(', or '),
    (given) => (Object.hasOwn(spellings, given) ? ok(spellings[given]!) : readRelativePath(given)),
  );

function readRelativePath(text: string): Result<string> {
  if (text.startsWith('/')) return err('an absolute path; a path below the state directory is expected');
  if (text.length > 512) return err('longer than 512 characters');
  if (!/^[A-Za-z0-9._/-]+$/.test(text))
    return err('it has other characters than letters, digits and . _ / -');
  const segments = text.split('/');
  if (segments.includes('..')) return err('it contains ..');
  if (segments.includes('') || segments.includes('.'))
    return err('it has an empty part, a final slash or a single dot');
  return segments.some((segment) => segment.length > 200)
    ? err('a part is longer than 200 characters')
    : ok(text);
}

/** Text that `read` can read. */
export const text = <Value>(
  expected: string,
  read: (text: string) => Result<Value>,
  input: InputType = 'text',
): Kind<Value> => ({ input, expected, schema: schemaOf(read) });

export const certificates = (): Kind<string> => ({
  ...text('PEM certificates, or base64 of them (base64 -w0 FILE)', readCertificates, 'text64'),
  redact: true,
});

export const privateKey = (): Kind<string> => ({
  ...text(
    'a PEM private key without passphrase, or base64 of it (base64 -w0 FILE)',
    readPrivateKey,
    'text64',
  ),
  redact: true,
});
