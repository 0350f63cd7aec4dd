/** `kitty-specs/<directory>/meta.json`: how it is read, and how a new one looks. */
import { join } from 'node:path'
import { ULID_PATTERN } from '../../contracts/event.ts'
import { byCodePoint, parseJsonObject } from '../../contracts/json/json.ts'
import type { Json, JsonObject } from '../../contracts/json/json.ts'
import { readBounded } from '../files/bounded-file.ts'
import { isBranchName } from '../git/git-files.ts'
import { friendlyName, MISSIONS_FOLDER, slugInDirectory } from './mission-names.ts'
import { leavesRoot } from '../files/safe-path.ts'
import type { Mission, Topology } from '../types.ts'

export const META_NAME = 'meta.json'

export type MetaReading =
  | { readonly state: 'read'; readonly mission: Mission }
  | { readonly state: 'absent' }
  /** The fault says what was expected; it never quotes the file. */
  | { readonly state: 'unusable'; readonly fault: string }

const META_SIZE_MAX_BYTES = 1024 * 1024
const TOPOLOGIES: ReadonlySet<string> = new Set([
  'coord',
  'single_branch',
  'lanes',
  'lanes_with_coord',
])

/** The mission in a folder of `kitty-specs` of the primary checkout. Total. */
export function readMeta(root: string, directory: string): MetaReading {
  const segments = [MISSIONS_FOLDER, directory, META_NAME]
  if (leavesRoot(root, segments)) return unusable('a path inside the repository')
  const path = join(root, ...segments)
  const read = readBounded(path, META_SIZE_MAX_BYTES, { followLink: true })
  if (read.state === 'absent') return read
  if (read.state === 'unusable') return unusable('a readable file of at most 1 MiB')
  try {
    return missionOf(
      root,
      directory,
      parseJsonObject(read.bytes.toString('utf8').replace(/^\uFEFF/, '')),
    )
  } catch {
    return unusable('one JSON object')
  }
}

/** What `status.json` repeats of a mission. Total: what can't be read is left out. */
export function readSnapshotMeta(
  root: string,
  directory: string,
): { readonly mission_number: string; readonly mission_type: string } {
  const path = join(root, MISSIONS_FOLDER, directory, META_NAME)
  const read = readBounded(path, META_SIZE_MAX_BYTES, { followLink: true })
  if (read.state !== 'read') return { mission_number: '', mission_type: '' }
  try {
    const meta = parseJsonObject(read.bytes.toString('utf8').replace(/^\uFEFF/, ''))
    const { mission_number: number, mission_type: type } = meta
    return {
      mission_number: numberText(number ?? null),
      mission_type: typeof type === 'string' ? type : '',
    }
  } catch {
    return { mission_number: '', mission_type: '' }
  }
}

/** Older tools wrote `"042"`. */
function numberText(number: Json): string {
  if (typeof number === 'number') return String(number)
  return typeof number === 'string' && /^\d{1,15}$/.test(number) ? String(Number(number)) : ''
}

function missionOf(root: string, directory: string, meta: JsonObject): MetaReading {
  const { mission_id, target_branch, coordination_branch } = meta
  if (typeof mission_id !== 'string' || !ULID_PATTERN.test(mission_id)) {
    return unusable('mission_id: a ULID')
  }
  if (typeof target_branch !== 'string' || !isBranchName(target_branch)) {
    return unusable('target_branch: a branch name')
  }
  const branch = coordination_branch ?? null
  if (branch !== null && (typeof branch !== 'string' || !isBranchName(branch))) {
    return unusable('coordination_branch: a branch name')
  }
  const topology = topologyOf(root, directory, meta['topology'] ?? null, branch)
  if (topology === null)
    return unusable('topology: one of coord, single_branch, lanes, lanes_with_coord')
  if (hasCoordination(topology) && branch === null) {
    return unusable('coordination_branch: a branch name, as the topology has one')
  }
  return {
    state: 'read',
    mission: {
      directory,
      mission_id,
      slug: slugInDirectory(directory, mission_id),
      topology,
      target_branch,
      coordination_branch: hasCoordination(topology) ? branch : null,
    },
  }
}

/** Whether the mission's ledger lives on a branch of its own. */
export function hasCoordination(topology: Topology): boolean {
  return topology === 'coord' || topology === 'lanes_with_coord'
}

// The stored value wins; older tools stored none, and then the traces of it decide. It is not
// written back.
function topologyOf(root: string, directory: string, stored: Json, branch: string | null) {
  if (stored !== null) {
    return typeof stored === 'string' && TOPOLOGIES.has(stored) ? (stored as Topology) : null
  }
  const path = join(root, MISSIONS_FOLDER, directory, 'lanes.json')
  const lanes = readBounded(path, META_SIZE_MAX_BYTES, { followLink: false }).state !== 'absent'
  if (branch !== null) return lanes ? 'lanes_with_coord' : 'coord'
  return lanes ? 'lanes' : 'single_branch'
}

/** The text of a new mission's file: sorted keys, two spaces, non-ASCII as it is, a line end. */
export function newMeta(mission: Mission, createdAt: Date): string {
  const name = friendlyName(mission.slug)
  const meta: Record<string, Json> = {
    created_at: createdAt.toISOString().replace(/\.(\d{3})Z$/, '.$1000+00:00'),
    flattened: false,
    friendly_name: name,
    mission_id: mission.mission_id,
    mission_number: null,
    mission_slug: mission.directory,
    mission_type: 'software-dev',
    purpose_context: `The mission ${name} has no description yet.`,
    purpose_tldr: name,
    slug: mission.directory,
    status_phase: '1',
    target_branch: mission.target_branch,
    topology: mission.topology,
  }
  if (mission.coordination_branch !== null)
    meta['coordination_branch'] = mission.coordination_branch
  const sorted = Object.entries(meta).sort(([a], [b]) => byCodePoint(a, b))
  return `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`
}

function unusable(expected: string): MetaReading {
  return { state: 'unusable', fault: `${expected} is expected` }
}
