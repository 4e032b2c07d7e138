// The machine learning frameworks of Flower's environments, and the size of an installation.

export const FRAMEWORKS = ['none', 'pytorch', 'tensorflow', 'sklearn'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

interface Installation {
  /** MB from the package index. */
  readonly download: number;
  /** MB on the disk at most: the downloads and the unpacked files. */
  readonly space: number;
}

/** Measured and rounded up: make-env.sh on amd64, where PyTorch is the build for CUDA. */
const INSTALLATION: Readonly<Record<Framework, Installation>> = {
  none: { download: 70, space: 360 },
  pytorch: { download: 3_070, space: 9_300 },
  tensorflow: { download: 700, space: 3_100 },
  sklearn: { download: 120, space: 570 },
};

/** MB that stay free, for the journal and the state of the VM. */
const SPARE_MB = 250;

/** Bytes that must be free before an installation starts. */
export const neededSpace = (framework: Framework): number => (INSTALLATION[framework].space + SPARE_MB) * 1e6;

export const downloadOf = (framework: Framework): number => INSTALLATION[framework].download * 1e6;

/** 550 MB, 3.0 GB. */
export const formatSize = (bytes: number): string =>
  bytes < 1e9 ? `${Math.floor(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
