import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patience } from '../support/load.ts';
import { updatesOf } from '../support/onegate/index.ts';
import { journalInDocs, renewJournal, shapeOf } from '../support/vm/docs-journal.ts';
import type { Guest } from '../support/vm/guest.ts';
import { FRAMEWORK } from '../support/vm/images.ts';
import { stretchLeases } from '../support/vm/leases.ts';
import { container, vm } from '../support/vm/machines.ts';
import { orderOf, table } from '../support/vm/order.ts';
import { ACCELERATOR, VIRTUAL_MACHINES } from '../support/vm/qemu.ts';
import { GuestService } from '../support/vm/service.ts';
import { roundsOf } from '../support/zone/training.ts';

const MACHINES = [
  { machines: 'VMs', make: vm, rounds: 1 },
  { machines: 'containers', make: container, rounds: 3 },
];

const HERE = MACHINES.filter(({ machines }) => machines === 'containers' || VIRTUAL_MACHINES);

/** What the app's ClientApp does, too, with the framework of the image: under the sandbox of the unit, as every ClientApp. */
const WITH: Record<string, string> = {
  none: '',
  pytorch: 'import torch\ntorch.nn.Linear(2, 1)(torch.ones(1, 2)).sum().backward()',
  tensorflow: 'import tensorflow as tf\nassert float(tf.reduce_sum(tf.ones((2, 2)))) == 4',
  sklearn:
    'from sklearn.linear_model import LogisticRegression\nLogisticRegression().fit([[0], [1]], [0, 1])',
};

/** The example app of the image, by its name; one that uses the framework is a changed copy of it. */
async function appOf(superlink: Guest): Promise<string> {
  if (WITH[FRAMEWORK] === '') return 'quickstart';
  const copy = '/root/with-framework';
  await superlink.sh(`cp -r /usr/share/flower-context/apps/quickstart ${copy}`);
  await superlink.sh(`cat >>${copy}/quickstart/client_app.py`, { stdin: `${WITH[FRAMEWORK]}\n` });
  return copy;
}

describe.each(HERE)(
  'one SuperLink and two SuperNodes boot from the image, as $machines',
  ({ machines, make, rounds }) => {
    const secret = 'S3cret-in-the-CONTEXT';
    let service: GuestService;
    let guests: Guest[];

    beforeAll(async () => {
      service = new GuestService({
        make,
        superlink: { FL_NUM_ROUNDS: String(rounds), PASSWORD: secret },
        supernode: { PASSWORD: secret },
      });
      await service.up();
      guests = service.all;
    });
    afterAll(() => service?.stop());

    test('OneFlow sees the service running', async () => {
      await service.zone.until(() => service.zone.services[0]?.state === 'RUNNING', 120_000);
    });

    test('each publishes in one update, READY=YES in it, and only after its probe has passed', async () => {
      const moments = await orderOf(service, guests);
      console.log(`${machines}, on one clock:\n${table(moments)}`);
      for (const guest of guests) {
        const own = moments.filter((moment) => moment.guest === guest.spec.name);
        const flag = guest.spec.role === 'superlink' ? 'FL_READY=YES' : 'FL_NODE_READY=YES';
        const updates = own.filter(({ seenBy }) => seenBy === 'OneGate').map(({ what }) => what);
        const whole = updates.filter((what) => what.includes(flag));
        expect(whole).toHaveLength(1);
        expect(whole[0]).toContain(guest.spec.role === 'superlink' ? 'FL_CA_CERT=' : 'FL_PARTITION_ID=');
        expect(updates.findIndex((what) => / READY=YES/.test(what))).toBe(updates.indexOf(whole[0]!));
        // Each line of the journal is written after the event that it reports.
        const said = own.filter(({ seenBy }) => seenBy === 'journal').map(({ what }) => what);
        expect(said).toEqual([
          expect.stringMatching(/wait (for the Fleet API|until the SuperLink accepts this node): done/),
          'publish on OneGate: done',
        ]);
        const [probed] = own.filter(({ what }) => what === said[0]);
        const published = own.find(({ what }) => what === whole[0])!;
        // As exactly as two clocks can be compared, and as soon as journald takes a line.
        expect(probed!.at - published.at).toBeLessThan(patience(500));
      }
    });

    test('the SuperNodes were switched on when the SuperLink was READY, and have different partitions', () => {
      const partitions = service.supernodes.map((guest) =>
        service.oneVm(guest).userTemplate.get('FL_PARTITION_ID'),
      );
      expect(partitions.sort()).toEqual(['0', '1']);
      const gate = updatesOf(service.zone, service.oneVm(service.superlink)).find(({ body }) =>
        body.includes('FL_READY%3DYES'),
      );
      const [first] = service.zone.log.filter(
        ({ vm }) => vm !== undefined && vm !== service.oneVm(service.superlink).id,
      );
      expect(service.zone.log.indexOf(gate!)).toBeLessThan(service.zone.log.indexOf(first!));
    });

    test('every system is running, with no unit failed', async () => {
      for (const guest of guests) {
        expect(
          (await guest.exec('systemctl is-system-running --wait', { timeoutMs: 120_000 })).stdout.trim(),
        ).toBe('running');
        expect(await guest.sh('systemctl --failed --no-legend')).toBe('');
      }
    });

    test('the journal of a successful boot fits one screen and is the one in docs/operate.md', async () => {
      const { superlink } = service;
      const journal = await superlink.until('systemd to know that it is ready', async () => {
        const text = await superlink.journal('flower-context', { format: 'short' });
        return text.includes('Started flower-context.service') && text;
      });
      expect(journal.split('\n').length).toBeLessThan(24);
      if (machines !== 'containers') return;
      if (process.env.DOCS) renewJournal(journal);
      expect(shapeOf(journal), `make e2e DOCS=1 takes this one:\n${journal}`).toEqual(
        shapeOf(journalInDocs()),
      );
    });

    test('submit trains on both, with the app of the image', async () => {
      if (machines === 'VMs' && ACCELERATOR === 'tcg')
        await stretchLeases(service.all, service.superlink.slowness);
      const app = await appOf(service.superlink);
      const { code, stdout, stderr } = await service.superlink.exec(`flower-context submit ${app}`, {
        timeoutMs: 120_000,
      });
      expect(`${code} ${stdout}${stderr}`).toMatch(/^0 /);
      const trained = roundsOf(`${stdout}${stderr}`.split('\n'));
      expect(trained).toHaveLength(rounds);
      for (const round of trained) expect(round).toMatchObject({ results: 2, failures: 0 });
    });

    test('a SuperNode has a folder for data of its site, which ClientApps can read and not write', async () => {
      const [node] = service.supernodes;
      const pid = (await node!.unit('flower-supernode', 'MainPID')).MainPID;
      const inside = (script: string) =>
        node!.exec(
          `nsenter -t ${pid} -m setpriv --reuid=flower --regid=flower --init-groups sh -c '${script}'`,
        );
      expect(await node!.sh('stat -c "%a %U %G" /opt/flower/data')).toBe('2750 root flower-data');
      await node!.sh('umask 027 && echo 1,2 >/opt/flower/data/samples.csv');
      expect(await inside('cat /opt/flower/data/samples.csv')).toMatchObject({ code: 0, stdout: '1,2\n' });
      expect((await inside('touch /opt/flower/data/x')).code).not.toBe(0);
      expect(await node!.sh('cat /run/flower-context/node-config.toml')).toContain(
        'data-path = "/opt/flower/data"',
      );
    });

    test('no journal has a secret', async () => {
      for (const guest of guests) {
        const everything = await guest.sh('journalctl -b --no-pager -o cat');
        const { stdout: key } = await guest.exec('sed -n 2p /var/lib/flower-context/tls/ca.key');
        for (const secretText of [secret, guest.spec.token!, key.trim()].filter((text) => text !== ''))
          expect(everything.includes(secretText)).toBe(false);
      }
    });
  },
);
