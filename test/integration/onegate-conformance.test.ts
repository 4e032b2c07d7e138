import { afterEach, describe, expect, test } from 'vitest';
import { Zone } from '../support/onegate/index.ts';
import { addressOf, exchange } from '../support/onegate-conformance/exchange.ts';
import { replayWithOneVm } from '../support/onegate-conformance/one-vm.ts';
import {
  parseReply,
  readSample,
  type Sample,
  sampleNames,
  storedCases,
} from '../support/onegate-conformance/sample.ts';
import { type Recording, recordings } from '../support/onegate-conformance/sequence.ts';
import { exceptions } from '../support/onegate-samples/exceptions.ts';

/** Sends a sample and says how the answer differs from the recorded one; undefined when it does not. */
async function differenceFor(recording: Recording, sample: Sample): Promise<string | undefined> {
  const exception = exceptions[sample.name];
  const patience = exception?.compare === 'silence' ? 200 : 20_000;
  const answer = await exchange(
    addressOf(recording.zone.listening),
    sample.request,
    sample.response.length,
    patience,
  );
  if (exception?.compare === 'silence') return answer.length ? `answered: ${answer}` : undefined;
  const [got, recorded] = exception
    ? [answer, sample.response].map((bytes) => JSON.stringify(parseReply(bytes)))
    : [answer.toString('latin1'), sample.response.toString('latin1')];
  return got === recorded
    ? undefined
    : `${sample.name} (${sample.note})\n  recorded: ${recorded}\n  got:      ${got}`;
}

describe('the OneGate stub against the recorded exchanges', () => {
  const seen = new Set<string>();
  const all = recordings();
  afterEach(() => Promise.all(all.map((recording) => recording.zone.stop())));

  test.for(all)('answers byte for byte: $title', async (recording) => {
    const { zone } = recording;
    const stored = new Map(storedCases().map((entry) => [entry.file, entry]));
    const differences: unknown[] = [];
    await zone.start();
    for (const step of recording.steps) {
      if (typeof step !== 'string') {
        step(zone);
        continue;
      }
      const sample = readSample(step);
      const expected = stored.get(sample.name);
      const before = expected && zone.vm(1).userTemplate.published();
      differences.push(await differenceFor(recording, sample));
      if (expected && before) {
        const after = zone.vm(1).userTemplate.published();
        const changed = Object.entries(after).filter(
          ([name, value]) => JSON.stringify(before[name]) !== JSON.stringify(value),
        );
        const removed = Object.keys(before).filter((name) => !(name in after));
        expect({ file: sample.name, stored: Object.fromEntries(changed), removed }).toEqual({
          file: sample.name,
          stored: expected.stored,
          removed: expected.removed,
        });
      }
      seen.add(sample.name);
    }
    expect(differences.filter(Boolean).join('\n\n')).toBe('');
  });

  test('leaves out no sample', () => {
    expect(sampleNames().filter((name) => !seen.has(name))).toEqual([]);
    const excepted = Object.keys(exceptions);
    expect(excepted.filter((name) => !seen.has(name))).toEqual([]);
    console.log(
      `${seen.size - excepted.length} exchanges match byte for byte, ${excepted.length} are compared in part`,
    );
  });
});

describe('each request of one VM, in any state', () => {
  test('is answered by the stub as recorded', async () => {
    const zone = await new Zone({ firstVmId: 5 }).start();
    try {
      const vm = zone.addVm({ userTemplate: { KEPT: 'as it was' } });
      const report = await replayWithOneVm({ endpoint: zone.endpoint, vmid: vm.id, token: vm.token });
      expect(report).toEqual({ matched: 508, differences: [] });
      expect(vm.userTemplate.toJSON()).toEqual({ HYPERVISOR: 'dummy', KEPT: 'as it was' });
    } finally {
      await zone.stop();
    }
  });

  const { ONEGATE_ENDPOINT: endpoint, ONEGATE_VMID: vmid, ONEGATE_TOKEN: token } = process.env;
  test.runIf(endpoint && vmid && token)(
    'is answered by ONEGATE_ENDPOINT as recorded',
    { timeout: 600_000 },
    async () => {
      const report = await replayWithOneVm({
        endpoint: endpoint ?? '',
        vmid: Number(vmid),
        token: token ?? '',
      });
      console.log(`${endpoint}: ${report.matched} answers as recorded, ${report.differences.length} not`);
      expect(report.differences.join('\n')).toBe('');
    },
  );
});
