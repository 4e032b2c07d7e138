import { Zone, type ZoneOptions } from '../onegate/index.ts';
import type { Vm } from '../onegate/vm.ts';
import { headerOf, parseReply, readSample, sampleNames } from './sample.ts';

/** A replay of a recorded lab: samples by the start of their names, and what happened to the lab between them. */
export interface Recording {
  readonly title: string;
  readonly zone: Zone;
  readonly steps: ReadonlyArray<string | ((zone: Zone) => void)>;
}

/** The tokens of a lab's VMs, from requests that the real one accepted. */
function tokensIn(samples: readonly string[]): Map<number, string> {
  const tokens = new Map<number, string>();
  for (const { request, response } of samples.map(readSample)) {
    const [id, token] = [headerOf(request, 'x-onegate-vmid'), headerOf(request, 'x-onegate-token')];
    if (id && token && parseReply(response).status !== 401 && !tokens.has(Number(id)))
      tokens.set(Number(id), token);
  }
  return tokens;
}

/** Sets what only the lab's clock, dice and monitoring decided, from a recorded extended document. */
function adopt(sample: string): (zone: Zone) => void {
  return (zone) => {
    const { SERVICE } = JSON.parse(parseReply(readSample(sample).response).body);
    for (const node of SERVICE.roles.flatMap((role: { nodes: object[] }) => role.nodes)) {
      const recorded = node.vm_info.VM;
      const vm: Vm = zone.vm(Number(recorded.ID));
      const { HISTORY = [] } = recorded.HISTORY_RECORDS;
      vm.uuid = recorded.TEMPLATE.OS.UUID;
      vm.created = Number(recorded.STIME);
      vm.ended = Number(recorded.ETIME);
      vm.lastPoll = Number(recorded.LAST_POLL);
      vm.monitoring = recorded.MONITORING;
      vm.deployId = typeof recorded.DEPLOY_ID === 'string' ? recorded.DEPLOY_ID : '';
      vm.history = [HISTORY].flat();
    }
  };
}

const from = (first: number, last: number) =>
  sampleNames().filter((name) => Number.parseInt(name, 10) >= first && Number.parseInt(name, 10) <= last);

const forget =
  (vmid: number, ...names: RegExp[]) =>
  (zone: Zone) => {
    const { userTemplate } = zone.vm(vmid);
    for (const name of Object.keys(userTemplate.toJSON())) {
      if (names.some((pattern) => pattern.test(name))) userTemplate.erase(name);
    }
  };

const set = (vmid: number, attributes: Readonly<Record<string, string>>) => (zone: Zone) => {
  for (const [name, value] of Object.entries(attributes)) zone.vm(vmid).userTemplate.set(name, value);
};

const roles = (supernodes: number) => [
  { name: 'superlink', userTemplate: { ROLE_HINT: 'superlink' } },
  {
    name: 'supernode',
    userTemplate: { ROLE_HINT: 'supernode' },
    parents: ['superlink'],
    cardinality: supernodes,
    minVms: 1,
  },
];

const tenant = { uid: 2, gid: 100, uname: 'tenant', gname: 'tenants' };

/** Attributes that the lab's parallel writers (not recorded one by one) left on VM 1. */
const concurrent = [
  0, 1, 4, 5, 8, 10, 11, 14, 17, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
  39,
];
const leftBehind = Object.fromEntries(concurrent.map((n) => [`CC${String(n).padStart(2, '0')}`, String(n)]));

function lab(samples: readonly string[], options: ZoneOptions = {}): Zone {
  const tokens = tokensIn(samples);
  return new Zone({
    endpoint: 'http://127.0.0.1:5030',
    pollMs: 0,
    shutdownMs: 'manual',
    token: (vmid) => tokens.get(vmid),
    ...options,
  });
}

function mainLab(): Recording {
  const samples = [...from(1, 311), ...from(312, 313), ...from(320, 324), ...from(330, 374)];
  const done = (zone: Zone, vmid: number) => zone.finish(zone.vm(vmid));
  return {
    title: 'the main lab: reads, publishing, grammar, errors, scaling, outages, undeploy',
    zone: lab(samples),
    steps: [
      (zone) => zone.addVm({ name: 'solo' }),
      (zone) => zone.addService({ name: 'flower-lab', roles: roles(2) }),
      ...from(1, 4),
      adopt('05'),
      ...from(5, 20),
      adopt('21'),
      ...from(21, 182),
      forget(1, /^P(109|112|125|147|162|176B)$/, /^ROLE_HINT$/, /^SCHED_MESSAGE$/),
      ...from(200, 215),
      forget(1, /^[SR]\d+$/),
      forget(3, /^M\d+$/),
      ...from(216, 226),
      set(1, { ...leftBehind, LOOP: '99' }),
      (zone) => {
        zone.nextVmId = 12;
      },
      ...from(300, 305),
      (zone) => zone.poweroff(zone.vm(3)),
      ...from(310, 312),
      (zone) => zone.resume(zone.vm(3)),
      '313',
      (zone) => {
        zone.terminate(zone.vm(3));
        done(zone, 3);
      },
      ...from(320, 322),
      adopt('323'),
      ...from(323, 324),
      (zone) => zone.addService({ name: 'failing', id: 13, roles: roles(1) }),
      (zone) => {
        const vm = zone.vm(13);
        vm.userTemplate.set('READY', 'YES');
        zone.updated(vm, 'READY="YES"');
        zone.failBoot(
          zone.vm(14),
          'Sat Nov 21 01:10:13 2026: DEPLOY: lab-host-0:supernode_0_(service_13):dummy',
        );
        zone.poll();
      },
      adopt('330'),
      '330',
      (zone) => zone.addVm({ name: 'tenant-vm', owner: tenant }),
      ...from(340, 343),
      set(15, { SERVICE_ID: '1' }),
      '344',
      (zone) => {
        zone.backends.oneflow = 'hang';
      },
      '350',
      (zone) => {
        zone.backends.oneflow = 'down';
      },
      ...from(351, 352),
      (zone) => {
        zone.backends.oneflow = 'up';
        zone.backends.oned = 'hang';
      },
      '353',
      (zone) => {
        zone.backends.oned = 'down';
      },
      ...from(360, 361),
      (zone) => {
        zone.backends.oned = 'up';
        zone.service(1)?.endCooldown();
      },
      ...from(363, 364),
      (zone) => zone.service(1)?.undeploy(),
      '370',
      (zone) => {
        for (const vmid of [2, 12, 1]) done(zone, vmid);
      },
      ...from(371, 374),
    ],
  };
}

function guestClient(): Recording {
  const samples = from(400, 410);
  return {
    title: "the guest's own onegate command",
    zone: lab(samples, { firstVmId: 16, firstServiceId: 15, bootMs: 'manual' }),
    steps: [
      (zone) => zone.addService({ name: 'cli-svc', roles: roles(1) }),
      (zone) => zone.boot(zone.vm(16)),
      ...from(400, 405),
      adopt('406'),
      ...from(406, 410),
    ],
  };
}

function runningService(): Recording {
  const samples = ['314', '325', '326'];
  return {
    title: 'a running service whose node is powered off, then terminated from outside',
    zone: lab(samples),
    steps: [
      (zone) => zone.addService({ name: 'smoke', roles: roles(2) }),
      (zone) => {
        for (const vmid of [0, 1, 2]) zone.updated(zone.vm(vmid), 'READY="YES"');
        zone.poweroff(zone.vm(2));
      },
      '314',
      (zone) => {
        zone.resume(zone.vm(2));
        zone.terminate(zone.vm(2));
        zone.finish(zone.vm(2));
      },
      '325',
      '326',
    ],
  };
}

/** All recorded exchanges, as three labs. */
export function recordings(): Recording[] {
  return [mainLab(), guestClient(), runningService()];
}
