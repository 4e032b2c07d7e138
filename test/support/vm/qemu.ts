// A virtual machine that boots the image from its disk: firmware, GRUB, its own kernel, the CONTEXT disc by its label. Its parts
// are those that OpenNebula's KVM driver gives to a VM: the CONTEXT disc is on IDE (i440fx) or SATA (q35). It is reached through the guest agent that OpenNebula's images have, so also with its network unplugged.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endWith, type Outcome, until } from '../zone/process.ts';
import { writeDisc } from './disc.ts';
import { emulator } from './emulator.ts';
import { type ExecOptions, Guest, type GuestSpec } from './guest.ts';
import { JsonLines } from './json-lines.ts';
import { addTap } from './lan.ts';

/** OpenNebula's default, and what a VM template with FIRMWARE="UEFI" and MACHINE="q35" asks for. */
export type Machine = 'i440fx with BIOS' | 'q35 with UEFI';

/** From Debian's package ovmf. */
const OVMF = { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' };

export interface QemuSpec extends GuestSpec {
  /** The image: a raw disk that is never written to. */
  readonly disk: string;
  readonly memory?: number;
  readonly cpus?: number;
  readonly machine?: Machine;
  /** More options of QEMU, e.g. `-rtc base=...`. */
  readonly options?: readonly string[];
}

/** KVM where somebody says that it works; it cannot be found out without a risk of hanging. */
export const ACCELERATOR = process.env.FCVM_ACCEL ?? 'tcg';

/** MACHINES=containers leaves out what needs a kernel of its own: emulated, a VM takes minutes. */
export const VIRTUAL_MACHINES = process.env.MACHINES !== 'containers';

/** Emulated, it has to be one without Meltdown: the kernel's remedy for it makes every system call flush QEMU's TLB. */
const PROCESSOR = ACCELERATOR === 'tcg' ? 'max' : 'host';

export class QemuVm extends Guest {
  readonly slowness = ACCELERATOR === 'tcg' ? 15 : 2;
  /** The name of its network card on the bridge, to unplug. */
  readonly tap = addTap();
  private readonly vm: QemuSpec;
  private readonly disk: string;
  private process: ChildProcess | undefined;
  private monitor: JsonLines | undefined;
  private agent: JsonLines | undefined;
  private disc = 0;

  constructor(spec: QemuSpec) {
    super(spec);
    this.vm = spec;
    this.disk = join(spec.dir, 'disk.qcow2');
    const layer = ['create', '-q', '-f', 'qcow2', '-b', spec.disk, '-F', 'raw', this.disk];
    execFileSync('qemu-img', layer, { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  async powerOn(options: readonly string[] = this.vm.options ?? []): Promise<void> {
    const { dir, name } = this.spec;
    const qemu = emulator();
    const log = openSync(join(dir, 'qemu.log'), 'a');
    this.process = spawn(qemu.file, [...qemu.args, ...this.hardware(), ...options], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...qemu.env },
    });
    const open = async (path: string): Promise<JsonLines> =>
      until(`${name}: ${path}`, () => JsonLines.open(join(dir, path)).catch(() => undefined), {
        detail: () => this.console(),
      });
    this.monitor = await open('monitor.sock');
    await this.monitor.ask('qmp_capabilities');
    this.agent = await open('agent.sock');
    const answered = this.agent.ask('guest-sync', { id: process.pid }, 60_000 * this.slowness);
    const died = once(this.process, 'exit').then(() => {
      throw new Error(`${name}: QEMU ended\n${this.console()}`);
    });
    died.catch(() => undefined);
    await Promise.race([answered, died]).catch((error: Error) => {
      throw new Error(`${name} did not come up: ${error.message}\n${this.console()}`);
    });
  }

  async powerCut(): Promise<void> {
    this.agent?.close();
    this.monitor?.close();
    if (this.process !== undefined) await endWith(this.process, 'SIGKILL');
  }

  async shutdown(): Promise<void> {
    if (this.process === undefined || this.process.exitCode !== null) return;
    const gone = once(this.process, 'exit');
    await this.monitor!.ask('system_powerdown');
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 10_000 * this.slowness))]);
    await this.powerCut();
  }

  async exec(script: string, { stdin = '', timeoutMs = 60_000 }: ExecOptions = {}): Promise<Outcome> {
    if (this.agent === undefined) throw new Error(`${this.spec.name} is off`);
    const { pid } = await this.agent.ask('guest-exec', {
      path: '/bin/sh',
      arg: ['-c', script],
      env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8'],
      'capture-output': true,
      ...(stdin.length > 0 && { 'input-data': Buffer.from(stdin).toString('base64') }),
    });
    const ended = async (): Promise<Record<string, unknown> | undefined> => {
      const status = await this.agent!.ask('guest-exec-status', { pid });
      return status.exited === true ? status : undefined;
    };
    // Each question is a line in the guest's journal and takes from an emulated processor what Flower needs.
    const patience = {
      timeoutMs: timeoutMs * this.slowness,
      everyMs: this.slowness * (timeoutMs > 60_000 ? 150 : 25),
    };
    const status = await until(`${this.spec.name}: '${script}'`, ended, patience);
    const text = (field: string): string => Buffer.from(String(status[field] ?? ''), 'base64').toString();
    return {
      code: Number(status.exitcode ?? 128 + Number(status.signal)),
      stdout: text('out-data'),
      stderr: text('err-data'),
    };
  }

  protected async insertContext(): Promise<void> {
    const filename = this.writeDisc();
    await this.monitor!.ask('blockdev-change-medium', { id: 'context', filename, force: true });
  }

  /** What the VM wrote on its serial console. */
  console(): string {
    const read = (name: string): string => {
      try {
        return readFileSync(join(this.spec.dir, name), 'utf8');
      } catch {
        return '';
      }
    };
    return `${read('qemu.log')}${read('serial.log').split('\n').slice(-40).join('\n')}`;
  }

  private writeDisc(): string {
    // A new file each time: QEMU keeps the old one open until the disc is changed.
    const file = join(this.spec.dir, `context-${this.disc++}.iso`);
    writeDisc(file, this.context, this.spec.token);
    return file;
  }

  private firmware(): string[] {
    const variables = join(this.spec.dir, 'ovmf-variables.fd');
    if (!existsSync(variables)) copyFileSync(OVMF.variables, variables);
    return [
      ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${OVMF.code}`],
      ...['-drive', `if=pflash,format=raw,unit=1,file=${variables}`],
    ];
  }

  private hardware(): string[] {
    const { dir } = this.spec;
    const { memory = 1024, cpus = 2, machine = 'i440fx with BIOS' } = this.vm;
    const uefi = machine === 'q35 with UEFI';
    const mac = this.context.ETH0_MAC ?? '02:00:00:00:00:01';
    return [
      ...['-machine', `${uefi ? 'q35' : 'pc'},accel=${ACCELERATOR}`, '-cpu', PROCESSOR],
      ...(uefi ? this.firmware() : []),
      ...['-smp', String(cpus), '-m', String(memory), '-nodefaults', '-display', 'none'],
      ...['-drive', `file=${this.disk},if=none,id=disk,cache=unsafe`, '-device', 'virtio-blk-pci,drive=disk'],
      ...['-drive', `file=${this.writeDisc()},if=none,id=disc,media=cdrom,readonly=on`],
      ...['-device', 'ide-cd,bus=ide.0,drive=disc,id=context'],
      ...['-netdev', `tap,id=net,ifname=${this.tap},script=no,downscript=no`],
      // Without its boot ROM: nothing here boots from the network.
      ...['-device', `virtio-net-pci,netdev=net,mac=${mac},romfile=`],
      ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci'],
      ...['-chardev', `socket,path=${join(dir, 'agent.sock')},server=on,wait=off,id=agent`],
      ...['-device', 'virtserialport,chardev=agent,name=org.qemu.guest_agent.0'],
      ...['-chardev', `socket,path=${join(dir, 'monitor.sock')},server=on,wait=off,id=monitor`],
      ...['-mon', 'chardev=monitor,mode=control', '-serial', `file:${join(dir, 'serial.log')}`],
    ];
  }
}
