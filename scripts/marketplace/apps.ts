// The appliances of the OpenNebula community marketplace: two images and the service of both. The fields are those of the
// appliances that it publishes; the values come from the table of variables and the templates.
import type { Role } from '../../src/core/role.ts';
import { DEFAULT_OPTIONS, serviceTemplate } from '../../src/templates/oneflow.ts';
import { TOPOLOGIES, vmInputsOf } from '../../src/templates/topology.ts';
import { inputOf } from '../../src/templates/user-input.ts';
import { contextOf, MACHINE, userInputsOf } from '../vm-template.ts';
import type { Yaml } from './yaml.ts';

/** The UUID identifies an appliance and never changes. */
export const UUIDS = {
  'flower-superlink': '5c9b0f0e-7a0a-4b57-9b56-0d6a6b0b2f31',
  'flower-supernode': 'c1d8a3c4-2f0e-4c1c-8f5b-6e4d1c7a9e42',
  'flower-service': 'e7a4f6d2-93b8-4a6d-a1f0-3b5c8d2e6f53',
} as const;
export type AppName = keyof typeof UUIDS;
export const APPS = Object.keys(UUIDS) as readonly AppName[];

/**
 * The one-apps image that the marketplace builds on. Of the images of its one-apps version it has the longest security
 * support and a systemd with every setting of the units, and other appliances there use it.
 */
export const BASE = { name: 'ubuntu2404', image: 'ubuntu-24.04', id: 'Ubuntu', release: '24.04' } as const;

/** In `logos` of the marketplace, which may have other logos for Flower. */
export const LOGO = 'flower-context.png';

/** The OpenNebula versions that have processed the templates (test/opennebula); others do not offer the appliances. */
const TESTED_WITH = ['6.8', '7.0', '7.4'];

/** The disk of an image, when there is one. */
export interface Disk {
  readonly url: string;
  /** Bytes, in the VM. */
  readonly size: number;
  readonly md5: string;
  readonly sha256: string;
}

/** The facts of a built image. */
export interface Release {
  /** Seconds since 1970. */
  readonly at: number;
  readonly disk?: Disk;
}

interface About {
  readonly name: string;
  readonly short: string;
  readonly text: string;
}

const ABOUT: Readonly<Record<AppName, About>> = {
  'flower-superlink': {
    name: 'Flower SuperLink',
    short: 'Coordinates a Flower federation',
    text: [
      'The coordinator of a federation with [Flower](https://flower.ai). At its first boot the VM creates',
      'certificates, starts the SuperLink under systemd, and publishes its address and CA on OneGate. Flower SuperNode VMs of',
      'the same OneFlow service then find and trust it. It also starts alone, without OneGate.',
      '',
      '`flower-context status` in the VM shows boot steps, current wait and open problems.',
    ].join('\n'),
  },
  'flower-supernode': {
    name: 'Flower SuperNode',
    short: 'Trains on local data in a Flower federation',
    text: [
      'A node of a federation with [Flower](https://flower.ai). In a OneFlow service it finds its SuperLink',
      'through OneGate, trusts the CA published there and takes a data partition that no other node has. Outside of a',
      'service, FL_SUPERLINK_ADDRESS and FL_SSL_CA_CERTFILE set the address and the CA of the SuperLink.',
      '',
      '`flower-context status` in the VM shows boot steps, current wait and open problems.',
    ].join('\n'),
  },
  'flower-service': {
    name: 'Flower federation',
    short: 'A Flower SuperLink and its SuperNodes',
    text: [
      'One Flower SuperLink and two or more SuperNodes as a OneFlow service. OneFlow deploys the SuperNodes when the SuperLink',
      'is READY. A SuperNode is READY when the SuperLink has accepted it: a running service is a federation that can train.',
      '',
      'The service needs OneFlow, and OneGate must be reachable from its network.',
    ].join('\n'),
  },
};

const roleOf = (app: AppName): Role | undefined =>
  app === 'flower-service' ? undefined : (app.replace('flower-', '') as Role);

const day = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 10).replaceAll('-', '');

/** UUID.yaml of an appliance. Without a release: the file in the repository, without an image. */
export function listing(app: AppName, version: string, release?: Release): Yaml {
  const role = roleOf(app);
  const { name, short, text } = ABOUT[app];
  return {
    name,
    version: release === undefined ? version : `${version}-rel-${day(release.at)}`,
    publisher: 'flower-context',
    publisher_email: 'maintainers@flower-context.invalid',
    description: text,
    short_description: short,
    tags: ['flower', 'federated-learning', 'machine-learning', BASE.id.toLowerCase(), 'service'],
    ...(role === undefined ? {} : { format: 'qcow2' }),
    ...(release === undefined ? {} : { creation_time: release.at }),
    'os-id': BASE.id,
    'os-release': BASE.release,
    'os-arch': 'x86_64',
    hypervisor: 'KVM',
    opennebula_version: TESTED_WITH.join(', '),
    ...(role === undefined ? ofService() : ofImage(role)),
    logo: LOGO,
    images: role === undefined || release?.disk === undefined ? [] : [image(role, release.disk)],
  };
}

const lower = (pairs: readonly (readonly [string, string])[]): Yaml =>
  Object.fromEntries(pairs.map(([key, value]) => [key.toLowerCase(), value]));

function ofImage(role: Role): { readonly [key: string]: Yaml } {
  const { memory, vcpu } = MACHINE[role];
  return {
    opennebula_template: {
      context: lower(contextOf(role)),
      cpu: '1',
      vcpu,
      memory,
      cpu_model: { model: 'host-passthrough' },
      nic_default: { model: 'virtio' },
      graphics: { listen: '0.0.0.0', type: 'vnc' },
      os: { arch: 'x86_64' },
      inputs_order: vmInputsOf(role).join(','),
      user_inputs: lower(userInputsOf(role)),
    },
  };
}

/** The service in the format for OneFlow 6 and 7; without ids, because the marketplace sets them by app name. */
function ofService(): { readonly [key: string]: Yaml } {
  const topology = 'single-site';
  const { supernodes } = TOPOLOGIES[topology];
  const template = serviceTemplate({ ...DEFAULT_OPTIONS, topology, supernodes, format: 6, network: '0' }) as {
    readonly roles: readonly { readonly vm_template_contents: string; readonly vm_template: number }[];
    readonly [key: string]: Yaml;
  };
  const roles = template.roles.map(({ vm_template: _, vm_template_contents, ...role }) => ({
    ...role,
    vm_template_contents: vm_template_contents.replace('NETWORK_ID="0"', 'NETWORK_ID="$Federation"'),
  }));
  return {
    type: 'SERVICE_TEMPLATE',
    roles: { superlink: ABOUT['flower-superlink'].name, supernode: ABOUT['flower-supernode'].name },
    opennebula_template: {
      ...template,
      networks: { Federation: 'M|network|Network of the federation, from which OneGate is reached| |id::' },
      roles,
    },
  };
}

const image = (role: Role, { url, size, md5, sha256 }: Disk): Yaml => ({
  name: MACHINE[role].name,
  url,
  type: 'OS',
  dev_prefix: 'vd',
  driver: 'qcow2',
  size,
  checksum: { md5, sha256 },
});

/** The CONTEXT in the certification tests; it needs neither OneGate nor another VM. @internal */
export const CERTIFICATION: Readonly<Record<Role, Readonly<Record<string, string>>>> = {
  superlink: { FL_CERT_EXTRA_SAN: 'DNS:superlink.example' },
  supernode: { FL_SUPERLINK_ADDRESS: '127.0.0.1:9092', FL_TLS_ENABLED: 'NO' },
};

/** metadata.yaml: the settings for build and test of an image. */
export const metadata = (role: Role): Yaml => ({
  ':app': {
    ':name': MACHINE[role].name,
    ':type': 'service',
    ':os': { ':type': 'linux', ':base': BASE.name },
    ':hypervisor': 'KVM',
    ':context': {
      ':prefixed': false,
      ':params': Object.fromEntries(
        Object.entries(CERTIFICATION[role]).map(([key, value]) => [`:${key}`, value]),
      ),
    },
  },
  ':one': {
    ':template': {
      NAME: 'base',
      TEMPLATE: {
        ARCH: 'x86_64',
        CONTEXT: { NETWORK: 'YES', SSH_PUBLIC_KEY: '$USER[SSH_PUBLIC_KEY]' },
        CPU: '1',
        VCPU: MACHINE[role].vcpu,
        CPU_MODEL: { MODEL: 'host-passthrough' },
        MEMORY: MACHINE[role].memory,
        GRAPHICS: { LISTEN: '0.0.0.0', TYPE: 'vnc' },
        NIC: { NETWORK: 'service' },
        NIC_DEFAULT: { MODEL: 'virtio' },
      },
    },
    ':datastore_name': 'default',
    ':timeout': '90',
  },
  ':infra': { ':disk_format': 'qcow2', ':apps_path': '/var/tmp' },
});

/** context.yaml: the settings for the contextualization tests; the test harness of the marketplace writes the same. */
export const contextTests = (role: Role): Yaml => ({
  ':tests': {
    [MACHINE[role].name]: {
      ':image_name': `${MACHINE[role].name}.qcow2`,
      ':type': 'linux',
      ':microenvs': ['context-kvm'],
      ':slow': true,
      ':enable_netcfg_common': true,
      ':enable_netcfg_ip_methods': true,
    },
  },
});

/** README.md: the inputs of the form, with the titles of the table. */
export function readme(app: AppName): string {
  const { name, short, text } = ABOUT[app];
  const role = roleOf(app);
  const asked = (one: Role): string =>
    [
      '| Variable | What it is | Default |',
      '|---|---|---|',
      ...vmInputsOf(one).map((variable) => {
        const { title, preset } = inputOf(variable);
        return `| ${variable} | ${title} | ${preset === '' ? '' : `\`${preset}\``} |`;
      }),
    ].join('\n');
  const parts =
    role === undefined
      ? [
          '## Use it',
          'Import the app; this also imports its two images. Instantiate the service on a network that reaches OneGate.',
          'The defaults of the form are enough.',
        ]
      : [
          '## Use it',
          `Import the app and instantiate its template, or import *${ABOUT['flower-service'].name}*, which has both images.`,
          '## Inputs of the form',
          'The defaults are enough. Every name is also accepted with the prefix `ONEAPP_`.',
          asked(role),
        ];
  return `${[`# ${name}`, `${short}.`, text, ...parts].join('\n\n')}\n`;
}
