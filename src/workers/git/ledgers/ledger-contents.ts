/** What a commit of a ledger holds and how it is called. */
import { foldStatus } from '../../../contracts/ledgers/fold-status.ts'
import { renderSnapshot } from '../../../contracts/ledgers/status-snapshot.ts'
import { STATUS_SNAPSHOT } from '../../../contracts/ledgers/status-record.ts'
import { systemCode } from '../../../errors.ts'
import { readSnapshotMeta } from '../../../project/missions/mission-meta.ts'
import type { Placement } from '../../../project/types.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import type { MissionLog } from '../logs/mission-log.ts'
import { replaceOwned } from '../disk/owned-json.ts'
import { stateOrNull } from '../disk/path-state.ts'
import { parseStatusLines } from '../logs/status-lines.ts'
import type { Warnings } from '../warnings.ts'
import { readBounded } from '../../../project/files/bounded-file.ts'
import { dirname, join } from 'node:path'

export type LedgerContents = { readonly paths: readonly string[]; readonly message: string }

type Place = {
  readonly placement: Placement
  readonly log: MissionLog
  /** The primary checkout, which has the mission's `meta.json`. */
  readonly root: string
  readonly fs: DurableFs
  readonly warnings: Warnings
}

type Versions = { readonly log: Buffer; readonly committed: Buffer }

export const DECISION_MESSAGE = 'chore(decisions): record decision [skip ci]'
const SNAPSHOT_BYTES_MAX = 64 * 1024 * 1024
/** Work packages that a message names. */
const NAMED_MAX = 8

/** A status log goes with its snapshot, which is made anew for it. Throws system errors but of the snapshot. */
export async function contentsOf(place: Place, versions: Versions): Promise<LedgerContents> {
  const { log } = place
  if (log.ledger === 'decisions') return { paths: [log.pathInTree], message: DECISION_MESSAGE }
  const message = statusMessage(versions)
  const hasSnapshot = await writeSnapshot(place, versions.log)
  const snapshot = join(dirname(log.pathInTree), STATUS_SNAPSHOT).replaceAll('\\', '/')
  return { paths: hasSnapshot ? [log.pathInTree, snapshot] : [log.pathInTree], message }
}

/** Whether there is a snapshot to commit. Nothing depends on it, so one that can't be written holds nothing up. */
async function writeSnapshot({ log, root, placement, fs, warnings }: Place, bytes: Buffer) {
  const path = join(dirname(log.path), STATUS_SNAPSHOT)
  try {
    const { rows } = parseStatusLines(bytes)
    const text = renderSnapshot(
      foldStatus(rows),
      readSnapshotMeta(root, placement.mission.directory),
    )
    const present = readBounded(path, SNAPSHOT_BYTES_MAX, { followLink: false })
    if (present.state === 'read' && present.bytes.equals(Buffer.from(text))) return true
    if (present.state === 'unusable' && stateOrNull(path)?.isFile() !== true) throw notAFile()
    await replaceOwned(fs, path, text)
    return true
  } catch (error) {
    if (systemCode(error) === null) throw error
    const message = `The snapshot ${STATUS_SNAPSHOT} of ${placement.mission.directory} could not be written.`
    warnings.add('SNAPSHOT_UNWRITTEN', message)
    return false
  }
}

function notAFile(): Error {
  return Object.assign(new Error('not a file'), { code: 'EISDIR' })
}

/** Names the work packages whose rows no commit holds yet. */
function statusMessage({ log, committed }: Versions): string {
  const isAppended = log.subarray(0, committed.length).equals(committed)
  const fresh = isAppended ? log.subarray(committed.length) : log
  const names = new Set<string>()
  for (const { row } of parseStatusLines(fresh).rows) {
    if (row.family !== 'foreign') names.add(row.row.wp_id)
  }
  const shown = [...names].slice(0, NAMED_MAX).join(', ')
  const more = names.size > NAMED_MAX ? `, and ${names.size - NAMED_MAX} more` : ''
  return `chore(spec-kitty): status transition${names.size === 1 ? '' : 's'} ${shown}${more}`.trim()
}
