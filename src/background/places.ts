/** Where the background process of a state directory keeps its lock, its record, its log, and its door. */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { RuntimeError, systemCode } from '../errors.ts'
import { makeStateFolder, realPath } from '../project/state-directory.ts'

export type Places = {
  /** Of mode 0700; all but a far control socket lies in it. */
  readonly folder: string
  /** Held as long as the process lives. */
  readonly lock: string
  readonly owner: string
  readonly log: string
  /** A file for each root that has recorded something. */
  readonly projects: string
  /** When a command last started the process. */
  readonly started: string
  /** A socket or, on Windows, a named pipe. */
  readonly control: string
}

/** The system takes 108 bytes on Linux and 104 on macOS, with the zero at the end. */
const SOCKET_PATH_BYTES_MAX = 100

/** Makes nothing. */
export function placesOf(state: string, platform: NodeJS.Platform = process.platform): Places {
  const folder = join(state, 'background')
  return {
    folder,
    lock: join(folder, 'lock.db'),
    owner: join(folder, 'owner.json'),
    log: join(folder, 'log.jsonl'),
    projects: join(folder, 'projects'),
    started: join(folder, 'started'),
    control: controlOf(state, folder, platform),
  }
}

function controlOf(state: string, folder: string, platform: NodeJS.Platform): string {
  const key = createHash('sha256').update(realPath(state)).digest('hex').slice(0, 32)
  if (platform === 'win32') return String.raw`\\.\pipe\kittiwake-${key}`
  const near = join(folder, 'control.sock')
  if (Buffer.byteLength(near) <= SOCKET_PATH_BYTES_MAX) return near
  // Not the folder of TMPDIR, which may differ between the process and its commands, and be long itself.
  return join('/tmp', `kittiwake-${process.getuid?.() ?? 0}`, `${key}.sock`)
}

/** Makes the folders, for this user alone. @throws RuntimeError BACKGROUND_FOLDER_UNSAFE; StoreError; the system's own */
export function makePlaces(places: Places): void {
  makeStateFolder(places.projects)
  if (process.platform === 'win32') return
  const folder = dirname(places.control)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
  if (isControlPrivate(places)) return
  throw new RuntimeError(
    'BACKGROUND_FOLDER_UNSAFE',
    'the folder of the control socket must be a folder of yours that nobody else can enter',
    { hint: `Remove ${folder}, or run \`chmod 700\` on it, then try again.` },
  )
}

/** Whether only this user can have put a socket there. */
export function isControlPrivate({ control }: Places): boolean {
  if (process.platform === 'win32') return true
  try {
    const stat = lstatSync(dirname(control))
    return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0
  } catch {
    return false
  }
}
