// The most memory that each kind of process ever had, threads included, as the kernel counts it.
import { readFileSync } from 'node:fs'

const LOOK_MS = 200

export class MemoryWatch {
  #timer
  /** By kind: MiB. Empty where the system has no /proc. */
  peaks = {}

  /** `processes` answers `{ kind, pid }` of each that runs now. */
  constructor(processes) {
    this.#timer = setInterval(() => {
      for (const { kind, pid } of processes()) {
        this.peaks[kind] = Math.max(this.peaks[kind] ?? 0, peakOf(pid))
      }
    }, LOOK_MS)
  }

  stop() {
    clearInterval(this.#timer)
  }
}

function peakOf(pid) {
  try {
    const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Math.ceil(Number(kib ?? 0) / 1024)
  } catch {
    return 0
  }
}
