// Which clock a text names, and what is said of a CA that is not valid now.
import { describe, expect, test } from 'vitest';
import { datesOff, length, whichClock } from '../../../src/tls/clock.ts';
import { issueCa, issueServer } from '../../../src/tls/issue.ts';
import { explainPeer } from '../../../src/tls/peer.ts';
import { firstCertificate } from '../../../src/tls/texts.ts';
import { trustDecision } from '../../../src/tls/trust.ts';
import { days, makeCa, makeServer, NOW, problemOf, wordsOf } from '../../support/certificates.ts';

const HOUR_MS = 3_600_000;
const from = days(40);
const ahead = makeCa({ cn: 'SuperLink CA', from, until: days(4000) });
const server = makeServer({ by: ahead, from, until: days(400) });

describe('a SuperNode beside a SuperLink whose CA is not valid by its clock', () => {
  const CLOCKS = [
    [
      'agrees with OneGate: the other clock',
      { now: NOW, built: days(-9), aheadMs: 900 },
      "this VM's clock agrees with that of OneGate, so the SuperLink's was or is wrong",
      /correct the clock of the SuperLink.*doctor` on the SuperLink/,
    ],
    [
      'is behind OneGate: this clock',
      { now: NOW, built: days(-9), aheadMs: -50 * HOUR_MS },
      "this VM's clock is 2 days behind that of OneGate, so it is probably wrong",
      /^correct the clock \(`timedatectl`/,
    ],
    [
      'is earlier than the image: this clock, whatever OneGate says',
      { now: NOW, built: days(3), aheadMs: 0 },
      "this VM's clock is wrong: it is earlier than its image, 2027-01-04 12:00 UTC",
      /^correct the clock \(`timedatectl`/,
    ],
    [
      'cannot be compared: one of the two',
      { now: NOW, built: undefined, aheadMs: undefined },
      "this VM's clock or the SuperLink's is wrong",
      /compare both \(`date -u`\)/,
    ],
  ] as const;

  test.each(CLOCKS)('%s', (_, facts, why, remedy) => {
    const which = whichClock(facts);
    const caCert = Buffer.from(ahead.certPem).toString('base64');
    const published = { tls: 'YES', caCert } as const;
    const trust = problemOf(() =>
      trustDecision({ tlsEnabled: undefined, mode: 'discovery', published, now: NOW, which }),
    );
    const peer = explainPeer({
      chainPem: server.certPem,
      caPem: ahead.certPem,
      host: '10.0.0.5',
      now: NOW,
      which,
    })!;
    for (const problem of [trust, ...peer.all]) {
      expect(problem.facts.found).toContain(`is not valid before 2027-02-10 12:00 UTC`);
      expect(problem.facts.found).toContain(why);
      expect(problem.remedy).toMatch(remedy);
    }
  });

  test('a clock that is ahead of all certificates is named, too', () => {
    const ca = issueCa({ now: NOW, commonName: 'CA' });
    const leaf = issueServer({ ca, names: { dns: [], ip: ['10.0.0.5'] }, now: NOW });
    const now = days(4000);
    const which = whichClock({ now, built: days(-9), aheadMs: 4000 * 24 * HOUR_MS });
    const words = wordsOf(
      explainPeer({ chainPem: leaf.certPem, caPem: ca.certPem, host: '10.0.0.5', now, which })!,
    );
    expect(words.match(/this VM's clock is 4000 days ahead of that of OneGate/g)).toHaveLength(2);
  });
});

test.each([
  [13_000, '13 s'],
  [119_000, '119 s'],
  [180_000, '3 minutes'],
  [2 * HOUR_MS, '2 hours'],
  [40 * 24 * HOUR_MS, '40 days'],
])('%s ms are "%s"', (ms, text) => expect(length(ms)).toBe(text));

test.each([
  [39, ['clock_off', 'degraded']],
  [40, []],
  [3634, []],
  [3636, ['ca_invalid', 'warning']],
])('the CA of a SuperLink %s days from now', (at, expected) =>
  expect(
    datesOff(firstCertificate(ahead.certPem), days(at)).flatMap(({ code, severity }) => [code, severity]),
  ).toEqual(expected),
);
