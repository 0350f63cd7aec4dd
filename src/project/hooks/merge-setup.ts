/** What lets git merge logs in this clone: lines in its attributes file, and the driver that they name in its configuration. */
import { join } from 'node:path'
import { readBounded } from '../files/bounded-file.ts'
import type { BoundedRead } from '../files/bounded-file.ts'
import { sweepLeftovers } from '../files/durable-file.ts'
import { editGitConfig } from '../git/git-config-edit.ts'
import { readGitConfigValue } from '../git/git-config.ts'
import {
  LOG_DRIVER,
  mergeGaps,
  SNAPSHOT_DRIVER,
  wantsDriver,
  withMergeLines,
} from './merge-attributes.ts'
import { ABSENT, foreign, INSTALLED, OUTDATED } from './part-state.ts'
import type { PartState } from './part-state.ts'
import { programLine } from './program-line.ts'
import type { Program } from './program-line.ts'
import { replaceFile } from '../files/replace-file.ts'
import type { Repository } from '../types.ts'

export const ATTRIBUTES_FILE = '.gitattributes'
export const DRIVERS = [LOG_DRIVER, SNAPSHOT_DRIVER] as const
export type DriverName = (typeof DRIVERS)[number]

const ATTRIBUTES_SIZE_MAX_BYTES = 1024 * 1024
const DRIVER_TITLE = 'Kittiwake: both sides of a log, by event id'
const DRIVER_ARGUMENTS = 'merge-driver %O %A %B %P'

export function lookAtAttributes({ worktree }: Repository): PartState {
  const file = readAttributes(worktree)
  if (file.state === 'unusable') return unusable()
  const { absent, other } = mergeGaps(bytesOf(file))
  if (other.length > 0) {
    return foreign(
      `another driver is named for ${other.join(', ')}: remove those lines, if you agree`,
    )
  }
  return absent.length > 0 ? ABSENT : INSTALLED
}

/** Takes away what dead callers left. @throws the system's own errors */
export function healAttributes({ worktree }: Repository): void {
  sweepLeftovers(join(worktree, ATTRIBUTES_FILE))
}

/** Adds what is absent behind the user's own lines. @throws ProjectError PATH_REFUSED, REPOSITORY_READ_ONLY, WRITE_FAILED */
export function installAttributes(repository: Repository): PartState {
  const file = readAttributes(repository.worktree)
  if (file.state === 'unusable') return unusable()
  const bytes = bytesOf(file)
  const wanted = withMergeLines(bytes)
  if (wanted !== bytes) {
    const mode = file.state === 'read' ? file.mode : 0o644
    const target = { root: repository.worktree, folders: [], name: ATTRIBUTES_FILE }
    replaceFile(target, { text: wanted, mode })
  }
  return lookAtAttributes(repository)
}

export function lookAtDriver(
  { commonDir }: Repository,
  driver: DriverName,
  program: Program,
): PartState {
  const value = readGitConfigValue(commonDir, `merge.${driver}.driver`)
  if (value === null) return ABSENT
  if (value === driverLine(program)) return INSTALLED
  if (isOurs(value)) return OUTDATED
  return foreign(
    `another program merges: to change that, \`git config --unset merge.${driver}.driver\` and install again`,
  )
}

/** A driver of another program stays. @throws as `editGitConfig`, and is called as that is */
export async function installDriver(
  repository: Repository,
  driver: DriverName,
  program: Program,
): Promise<PartState> {
  const found = lookAtDriver(repository, driver, program)
  if (found.state === 'installed' || found.state === 'foreign') return found
  await editGitConfig(repository, {
    [`merge.${driver}.name`]: DRIVER_TITLE,
    [`merge.${driver}.driver`]: driverLine(program),
  })
  return INSTALLED
}

/** @throws as `installDriver` */
export async function uninstallDriver(
  repository: Repository,
  driver: DriverName,
  program: Program,
): Promise<PartState> {
  const found = lookAtDriver(repository, driver, program)
  if (found.state === 'absent' || found.state === 'foreign') return found
  await editGitConfig(repository, {
    [`merge.${driver}.driver`]: null,
    [`merge.${driver}.name`]: null,
  })
  return ABSENT
}

/** What a clone lacks that the attributes file counts on; null where nothing is. Reads two small files. */
export function missingDriver({ worktree, commonDir }: Repository): string | null {
  const file = readAttributes(worktree)
  if (file.state !== 'read' || !wantsDriver(file.bytes)) return null
  if (readGitConfigValue(commonDir, `merge.${LOG_DRIVER}.driver`) !== null) return null
  return `this clone lacks the merge driver ${LOG_DRIVER} that ${ATTRIBUTES_FILE} names for the logs`
}

// Git takes a percent sign for the start of one of its own words.
function driverLine({ node, main }: Program): string {
  const escaped = { node: node.replaceAll('%', '%%'), main: main.replaceAll('%', '%%') }
  return programLine(escaped, DRIVER_ARGUMENTS)
}

function isOurs(value: string): boolean {
  return value.endsWith(` ${DRIVER_ARGUMENTS}; fi`) || value === `kittiwake ${DRIVER_ARGUMENTS}`
}

function readAttributes(worktree: string): BoundedRead {
  return readBounded(join(worktree, ATTRIBUTES_FILE), ATTRIBUTES_SIZE_MAX_BYTES, {
    followLink: false,
  })
}

function bytesOf(file: Exclude<BoundedRead, { state: 'unusable' }>): Buffer {
  return file.state === 'read' ? file.bytes : Buffer.alloc(0)
}

function unusable(): PartState {
  return foreign('it is no plain file of at most 1 MiB: make it one')
}
