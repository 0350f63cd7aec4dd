/** `.kittify/sync-state.json`: which commits the hub has not confirmed yet. A cache: git and the hub can rebuild it. */
import { join } from 'node:path'
import { ULID_PATTERN } from '../../../contracts/event.ts'
import type { LocalCommit } from '../../../contracts/wire/frames.ts'
import { isJsonObject } from '../../../contracts/json/json.ts'
import type { Json, JsonObject } from '../../../contracts/json/json.ts'
import { isOid } from '../../../project/git/object-id.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { readOwned, setAside } from '../disk/owned-json.ts'
import type { OwnedText } from '../disk/owned-json.ts'

/** What is in the file. Entries of other writers that are no frames of ours are kept as they are. */
export type SyncState = {
  readonly last_saas_confirmed_hash: string | null
  readonly pending_local_commits: readonly (LocalCommit | Json)[]
  /** Commits that were pending when their branch left them; the latest last, bounded. */
  readonly superseded_local_commits: readonly Superseded[]
  /** Keys that are not known here, in their order. */
  readonly rest: JsonObject
}

/** `replaced_by`: the commit that provably took its place, or null. */
export type Superseded = { readonly git_hash: string; readonly replaced_by: string | null }

export type SyncStateReading = {
  readonly state: SyncState
  /** True where the file can't be used: it must be set aside before anything is written. */
  readonly damaged: boolean
  readonly absent: boolean
}

export const SYNC_STATE_BYTES_MAX = 64 * 1024 * 1024

const SUPERSEDED_MAX = 1_000
const EMPTY: SyncState = {
  last_saas_confirmed_hash: null,
  pending_local_commits: [],
  superseded_local_commits: [],
  rest: {},
}
const NOT_ASCII = /[\u007f-\uffff]/g

export function syncStatePath(root: string): string {
  return join(root, '.kittify', 'sync-state.json')
}

/** Missing is empty. @throws GitError LEDGER_STATE_UNREADABLE. */
export async function readSyncState(root: string): Promise<SyncStateReading> {
  const reading = await readOwned(syncStatePath(root), SYNC_STATE_BYTES_MAX)
  if (reading.state === 'absent') return { state: EMPTY, damaged: false, absent: true }
  const state = reading.state === 'read' ? parseSyncState(reading.value) : null
  return { state: state ?? EMPTY, damaged: state === null, absent: false }
}

export function syncStateFile(root: string, state: SyncState): OwnedText {
  return { path: syncStatePath(root), text: renderSyncState(state) }
}

/** Answers the name that the damaged file has from now on. */
export async function setSyncStateAside(fs: DurableFs, root: string): Promise<string> {
  return setAside(fs, syncStatePath(root))
}

/** Insertion order, two spaces, ASCII, no final line end: the bytes that other readers of the file know. */
export function renderSyncState(state: SyncState): string {
  const { last_saas_confirmed_hash, pending_local_commits, superseded_local_commits, rest } = state
  const superseded = superseded_local_commits.length === 0 ? {} : { superseded_local_commits }
  const value = { last_saas_confirmed_hash, pending_local_commits, ...superseded, ...rest }
  return JSON.stringify(value, null, 2).replace(
    NOT_ASCII,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The entries that are whole frames; all others stay in the file and are not sent. */
export function framesOf(state: SyncState): readonly LocalCommit[] {
  return state.pending_local_commits.filter(isLocalCommit)
}

/** With these added; one that is pending again is superseded no more. */
export function withSuperseded(state: SyncState, added: readonly Superseded[]): SyncState {
  const pending = new Set(framesOf(state).map(({ git_hash }) => git_hash))
  const again = new Set(added.map(({ git_hash }) => git_hash))
  const earlier = state.superseded_local_commits.filter(({ git_hash }) => !again.has(git_hash))
  const all = [...earlier, ...added].filter(({ git_hash }) => !pending.has(git_hash))
  return { ...state, superseded_local_commits: all.slice(-SUPERSEDED_MAX) }
}

/** The frame with exactly its seven keys in their order. */
export function localCommit(fields: Omit<LocalCommit, 'type'>): LocalCommit {
  const { git_hash, mission_id, build_id, project_uuid, changed_files, committed_at } = fields
  return {
    type: 'LocalCommit',
    git_hash,
    mission_id,
    build_id,
    project_uuid,
    changed_files,
    committed_at,
  }
}

function parseSyncState(value: JsonObject): SyncState | null {
  const {
    last_saas_confirmed_hash = null,
    pending_local_commits = [],
    superseded_local_commits = [],
    ...rest
  } = value
  if (last_saas_confirmed_hash !== null && typeof last_saas_confirmed_hash !== 'string') return null
  if (!Array.isArray(pending_local_commits)) return null
  return {
    last_saas_confirmed_hash,
    pending_local_commits: pending_local_commits as readonly Json[],
    superseded_local_commits: parseSuperseded(superseded_local_commits),
    rest,
  }
}

// For people only; what can't be read of it is nothing lost.
function parseSuperseded(value: Json): readonly Superseded[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((item: Json) => {
    if (!isJsonObject(item)) return []
    const { git_hash, replaced_by = null } = item
    if (typeof git_hash !== 'string' || !isOid(git_hash)) return []
    return typeof replaced_by === 'string' || replaced_by === null
      ? [{ git_hash, replaced_by }]
      : []
  })
}

function isLocalCommit(entry: LocalCommit | Json): entry is LocalCommit {
  if (!isJsonObject(entry)) return false
  const { type, git_hash, mission_id, build_id, project_uuid, changed_files, committed_at } = entry
  return (
    Object.keys(entry).length === 7 &&
    type === 'LocalCommit' &&
    typeof git_hash === 'string' &&
    isOid(git_hash) &&
    matches(mission_id, ULID_PATTERN) &&
    matches(build_id, /./) &&
    matches(project_uuid, /./) &&
    typeof committed_at === 'string' &&
    !Number.isNaN(Date.parse(committed_at)) &&
    Array.isArray(changed_files) &&
    changed_files.every((file) => typeof file === 'string')
  )
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value)
}
