// A folder on a small file system of its own, so that it can be filled; an ordinary one where none may be mounted.
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const FILLER = 'filler'
const BLOCK = Buffer.alloc(64 * 1024)

export class SmallDisk {
  folder
  isSmall

  /** `megabytes` is null where it is not to be filled. */
  constructor(folder, megabytes) {
    this.folder = folder
    mkdirSync(folder)
    this.isSmall = megabytes !== null && mount(folder, megabytes)
  }

  /** To the last byte. */
  fill() {
    if (!this.isSmall) return
    const file = openSync(join(this.folder, FILLER), 'a')
    try {
      for (let size = BLOCK.length; size >= 1;) {
        try {
          writeSync(file, BLOCK, 0, size)
        } catch {
          size = Math.floor(size / 16)
        }
      }
    } finally {
      closeSync(file)
    }
  }

  empty() {
    rmSync(join(this.folder, FILLER), { force: true })
  }

  close() {
    // Lazily: whoever still has a file open there must not keep it from going.
    if (this.isSmall) execFileSync('umount', ['-l', this.folder])
    this.isSmall = false
  }
}

function mount(folder, megabytes) {
  if (process.platform !== 'linux' || process.getuid() !== 0) return false
  try {
    const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]
    execFileSync('mount', options, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
