// The machine learning frameworks that an environment of Flower can have, and what installing one takes.

export const FRAMEWORKS = ['none', 'pytorch', 'tensorflow', 'sklearn'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

interface Installation {
  /** MB that come from the package index. */
  readonly download: number;
  /** MB on the disk at the moment when it is largest: downloads that are still there, and what was unpacked. */
  readonly room: number;
}

/** Measured and rounded up: make-env.sh with Flower 1.39.0 on amd64, where PyTorch is the build for CUDA. */
const INSTALLATION: Readonly<Record<Framework, Installation>> = {
  none: { download: 70, room: 360 },
  pytorch: { download: 3_070, room: 9_300 },
  tensorflow: { download: 700, room: 3_100 },
  sklearn: { download: 120, room: 570 },
};

/** What is left free beside it, for the VM's own journal and state. */
const SPARE_MB = 250;

/** Bytes that have to be free before an installation is begun. */
export const roomFor = (framework: Framework): number => (INSTALLATION[framework].room + SPARE_MB) * 1e6;

export const downloadOf = (framework: Framework): number => INSTALLATION[framework].download * 1e6;

/** Bytes as a person reads them: 550 MB, 3.0 GB. */
export const spokenSize = (bytes: number): string =>
  bytes < 1e9 ? `${Math.floor(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
