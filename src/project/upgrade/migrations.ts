/** What brings a project to the contract: each step finds by looking whether it is needed, and does no harm twice. */
import { createHash } from 'node:crypto'
import { join, posix } from 'node:path'
import { encodeTime } from 'ulid'
import { instantOf } from '../../contracts/values/instant.ts'
import { byCodePoint, parseJsonObject } from '../../contracts/json/json.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { readBounded, readText } from '../files/bounded-file.ts'
import { compareVersions, CONTRACT_VERSION, REQUIRED_SCHEMA } from '../contract-version.ts'
import type { LedgerRow } from './metadata.ts'
import { META_NAME } from '../missions/mission-meta.ts'
import { MISSIONS_FOLDER } from '../missions/mission-names.ts'
import { missionFolders } from '../missions/missions.ts'
import { replaceFile } from '../files/replace-file.ts'
import { namesIn } from '../files/names-in.ts'
import { leavesRoot } from '../files/safe-path.ts'

export type Finding = {
  /** `manual`: it is needed, and must be done by whoever knows the older format. */
  readonly state: 'none' | 'needed' | 'manual'
  /** What it would change, or what stands in the way, below the root. */
  readonly paths: readonly string[]
}

export type Migration = {
  /** `[a-z0-9_.]{1,128}`; never given to another one. */
  readonly id: string
  readonly description: string
  /** The contract that it brings a project to. */
  readonly target: string
  readonly schema: number
  readonly find: (root: string) => Finding
  /** Applies it to what `find` names. @throws ProjectError PATH_REFUSED, REPOSITORY_READ_ONLY, WRITE_FAILED */
  readonly apply: (root: string, paths: readonly string[]) => void
}

export type PendingMigration = { readonly migration: Migration; readonly finding: Finding }

const FILE_SIZE_MAX_BYTES = 1024 * 1024
const TASKS_MAX = 1_000
const STATUS_LOG = 'status.events.jsonl'

/** In the order in which they are run. */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: 'kittiwake.mission_ids',
    description: 'Give each mission an id of its own',
    target: CONTRACT_VERSION,
    schema: REQUIRED_SCHEMA,
    find: (root) => found('needed', missionsWhere(root, lacksId)),
    apply: (root, paths) => paths.forEach((path) => giveId(root, path)),
  },
  {
    id: 'kittiwake.status_logs',
    description: 'Keep the lanes of work packages in a log, and not in the files of tasks',
    target: CONTRACT_VERSION,
    schema: REQUIRED_SCHEMA,
    find: (root) => found('manual', tasksWithLanes(root)),
    apply: () => undefined,
  },
]

/** What an upgrade of this checkout would do; the preview, the gate and the upgrade itself all ask here. */
export function pendingMigrations(
  root: string,
  target = CONTRACT_VERSION,
): readonly PendingMigration[] {
  return MIGRATIONS.filter((migration) => compareVersions(migration.target, target) <= 0)
    .map((migration) => ({ migration, finding: migration.find(root) }))
    .filter(({ finding }) => finding.state !== 'none')
}

/** Those that the ledger says nothing of and that have nothing to do: they are noted as passed over. */
export function passedOver(
  root: string,
  applied: readonly Pick<LedgerRow, 'id' | 'result'>[],
): readonly Migration[] {
  const isNoted = (id: string): boolean =>
    applied.some((row) => row.id === id && row.result !== 'failed')
  return MIGRATIONS.filter(({ id, find }) => !isNoted(id) && find(root).state === 'none')
}

function found(state: 'needed' | 'manual', paths: readonly string[]): Finding {
  return { state: paths.length === 0 ? 'none' : state, paths }
}

type Folder = { readonly path: string; readonly meta: JsonObject }

/** The `meta.json` of those missions; one that can't be read is `doctor`'s matter. */
function missionsWhere(
  root: string,
  holds: (root: string, mission: Folder) => boolean,
): readonly string[] {
  return missionFolders(join(root, MISSIONS_FOLDER)).flatMap((directory) => {
    const path = `${MISSIONS_FOLDER}/${directory}`
    const meta = readMeta(root, `${path}/${META_NAME}`)
    return meta !== null && holds(root, { path, meta }) ? [`${path}/${META_NAME}`] : []
  })
}

function readMeta(root: string, path: string): JsonObject | null {
  const text = readInside(root, path)
  if (text === null) return null
  try {
    return parseJsonObject(text.replace(/^\uFEFF/, ''))
  } catch {
    return null
  }
}

function lacksId(_root: string, { meta }: Folder): boolean {
  return (meta['mission_id'] ?? '') === ''
}

/** The same in every clone and worktree, so that two of them that are upgraded can be merged. */
function giveId(root: string, path: string): void {
  const meta = readMeta(root, path)
  const [specs = '', directory = '', name = ''] = path.split('/')
  if (meta === null || !lacksId(root, { path, meta })) return
  const created = typeof meta['created_at'] === 'string' ? meta['created_at'] : ''
  const withId = { ...meta, mission_id: missionIdOf(directory, created) }
  const sorted = Object.entries(withId).sort(([one], [other]) => byCodePoint(one, other))
  const text = `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`
  replaceFile({ root, folders: [specs, directory], name }, { text, mode: 0o644 })
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TIME_LENGTH = 10
const RANDOM_LENGTH = 16

function missionIdOf(directory: string, created: string): string {
  const { ms } = instantOf(created)
  const hash = createHash('sha256').update(`${directory}\n${created}`).digest()
  const random = Array.from(hash.subarray(0, RANDOM_LENGTH), (byte) => CROCKFORD[byte % 32] ?? '0')
  const time = Number.isFinite(ms) && ms > 0 ? ms : 0
  return `${encodeTime(time, TIME_LENGTH)}${random.join('')}`
}

function tasksWithLanes(root: string): readonly string[] {
  return missionsWhere(root, keepsNoLog).flatMap((metaPath) => {
    const folder = `${posix.dirname(metaPath)}/tasks`
    return taskFiles(join(root, folder))
      .map((name) => `${folder}/${name}`)
      .filter((path) => hasMovedLane(readInside(root, path) ?? ''))
  })
}

/** A mission on a coordination branch has its log there. */
function keepsNoLog(root: string, { path, meta }: Folder): boolean {
  if ((meta['coordination_branch'] ?? null) !== null) return false
  const log = readBounded(join(root, path, STATUS_LOG), 0, { followLink: false })
  return log.state === 'absent'
}

function taskFiles(folder: string): readonly string[] {
  return namesIn(folder)
    .filter((name) => /^WP.*\.md$/.test(name))
    .slice(0, TASKS_MAX)
}

/** One that was never moved has nothing to be lost. */
function hasMovedLane(text: string): boolean {
  const front = /^\uFEFF?---\r?\n(.*?)\r?\n---/s.exec(text)?.[1] ?? ''
  const lane = /^lane:\s*["']?(\w+)/m.exec(front)?.[1] ?? 'planned'
  return lane !== 'planned'
}

function readInside(root: string, path: string): string | null {
  const segments = path.split('/')
  if (leavesRoot(root, segments)) return null
  return readText(join(root, ...segments), FILE_SIZE_MAX_BYTES)
}
