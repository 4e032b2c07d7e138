// The appliances of the OpenNebula community marketplace: two images and the service of both. Fields as that marketplace
// has them (its published appliances); values out of the table and the templates, so nothing here repeats them.
import { BAKED_FLOWER } from '../../src/config/release.ts';
import type { Role } from '../../src/core/role.ts';
import { DEFAULT_WISHES, serviceTemplate } from '../../src/templates/oneflow.ts';
import { TOPOLOGIES, vmInputsOf } from '../../src/templates/topology.ts';
import { inputOf } from '../../src/templates/user-input.ts';
import { contextOf, MACHINE, userInputsOf } from '../../src/templates/vm-template.ts';
import type { Yaml } from './yaml.ts';

/** The part after the name is the identity of an appliance for ever. */
export const UUIDS = {
  'flower-superlink': '5c9b0f0e-7a0a-4b57-9b56-0d6a6b0b2f31',
  'flower-supernode': 'c1d8a3c4-2f0e-4c1c-8f5b-6e4d1c7a9e42',
  'flower-service': 'e7a4f6d2-93b8-4a6d-a1f0-3b5c8d2e6f53',
} as const;
export type AppName = keyof typeof UUIDS;
export const APPS = Object.keys(UUIDS) as readonly AppName[];

/**
 * The one-apps image that the marketplace builds on: of those that its version of one-apps has, the one with security
 * support for longest, with a systemd that knows every setting of the units, and the one that other appliances there use.
 */
export const BASE = { name: 'ubuntu2404', image: 'ubuntu-24.04', id: 'Ubuntu', release: '24.04' } as const;

/** In `logos` of the marketplace, where other appliances for Flower may have one, too. */
export const LOGO = 'flower-context.png';

/** The OpenNebula versions whose own code has been run on the templates: others are not offered the appliances. */
const TESTED_WITH = ['6.8', '7.0', '7.4'];

/** The disk of an image, when there is one. */
export interface Disk {
  readonly url: string;
  /** Bytes that the VM sees. */
  readonly size: number;
  readonly md5: string;
  readonly sha256: string;
}

/** What is known only when an image has been built. */
export interface Release {
  /** Seconds since 1970. */
  readonly at: number;
  readonly disk?: Disk;
}

export interface About {
  readonly name: string;
  readonly short: string;
  readonly text: string;
}

export const ABOUT: Readonly<Record<AppName, About>> = {
  'flower-superlink': {
    name: 'Flower SuperLink',
    short: 'Coordinates a federation that learns with Flower',
    text: [
      `The coordinator of a federation that learns with [Flower](https://flower.ai) ${BAKED_FLOWER}. At its first boot the VM makes`,
      'its own certificates, starts the SuperLink under systemd, and publishes address and CA on OneGate, so that Flower',
      'SuperNode VMs of the same OneFlow service find and trust it. It also comes up alone, without OneGate.',
      '',
      '`flower-context status` in the VM shows what was done, what is waited for and what is wrong.',
    ].join('\n'),
  },
  'flower-supernode': {
    name: 'Flower SuperNode',
    short: 'Trains on local data in a federation that learns with Flower',
    text: [
      `A node of a federation that learns with [Flower](https://flower.ai) ${BAKED_FLOWER}. In a OneFlow service it finds its`,
      'SuperLink through OneGate, trusts the CA published there and takes a data partition that no other node has. Outside',
      'of a service, FL_SUPERLINK_ADDRESS and FL_SSL_CA_CERTFILE say where the SuperLink is and whom to trust.',
      '',
      '`flower-context status` in the VM shows what was done, what is waited for and what is wrong.',
    ].join('\n'),
  },
  'flower-service': {
    name: 'Flower federation',
    short: 'A Flower SuperLink and its SuperNodes',
    text: [
      'One Flower SuperLink and two SuperNodes or more as a OneFlow service. The SuperNodes are deployed when the SuperLink is',
      'READY, and each is READY when the SuperLink has accepted it: a service that runs is a federation that trains.',
      '',
      'Needs OneFlow and OneGate, reachable from the network of the service.',
    ].join('\n'),
  },
};

const roleOf = (app: AppName): Role | undefined =>
  app === 'flower-service' ? undefined : (app.replace('flower-', '') as Role);

const day = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 10).replaceAll('-', '');

/** UUID.yaml of an appliance. Without a release: as it stands in the repository, where there is no image. */
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

/** The service in the form of OneFlow 6, which 7 reads too; without ids, which the marketplace fills in by app name. */
function ofService(): { readonly [key: string]: Yaml } {
  const site = 'single-site';
  const { supernodes } = TOPOLOGIES[site];
  const template = serviceTemplate({ ...DEFAULT_WISHES, site, supernodes, form: 6, network: '0' }) as {
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

/** What the certification tests give the VM; none of it needs OneGate or another VM. */
export const CERTIFICATION: Readonly<Record<Role, Readonly<Record<string, string>>>> = {
  superlink: { FL_CERT_EXTRA_SAN: 'DNS:superlink.example' },
  supernode: { FL_SUPERLINK_ADDRESS: '127.0.0.1:9092', FL_TLS_ENABLED: 'NO' },
};

/** metadata.yaml: how the marketplace builds and tests an image. */
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

/** context.yaml: with what the marketplace tests the contextualization of an image; its harness writes the same. */
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

/** README.md: what the form asks for, in the table's words. */
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
          'Import the app: its two images come along. Instantiate the service on a network from which OneGate is reached.',
          'All of its form may be left as it is.',
        ]
      : [
          '## Use it',
          `Import the app and instantiate its template, or import *${ABOUT['flower-service'].name}*, which has both images.`,
          '## What the form asks for',
          'All of it may be left as it is. Every name is also accepted with the prefix `ONEAPP_`.',
          asked(role),
        ];
  return `${[`# ${name}`, `${short}.`, text, ...parts].join('\n\n')}\n`;
}
