/** A mission that changes the same thing in many places: its map, and whether what was done is what the map says. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseJsonObject } from '../../contracts/json/json.ts'
import { ProjectError } from '../../errors.ts'
import { readBounded, readText } from '../files/bounded-file.ts'
import { pinnedFields, verdictOfCategory, verdictOfPath } from './bulk-edit-rules.ts'
import type { Finding } from './bulk-edit-rules.ts'
import { checkListedEdit } from './check-listed-edit.ts'
import { checkRuledEdit } from './check-ruled-edit.ts'
import { compareCommits } from '../git/git-diff.ts'
import { META_NAME } from '../missions/mission-meta.ts'
import { MISSIONS_FOLDER } from '../missions/mission-names.ts'
import { listMissions, readMission } from '../missions/missions.ts'
import { categoryOfLine, categoryOfPath } from './occurrence-category.ts'
import { MAP_NAME, readOccurrenceMap } from './occurrence-map.ts'
import type { ListedMap, RuledMap } from './occurrence-map.ts'
import { hasTerm, spelled } from './term.ts'
import type { Mission, Repository } from '../types.ts'
import { listCheckouts } from '../git/worktrees.ts'

export type BulkEdit = {
  readonly mission: Mission
  /** Below the root of a checkout. */
  readonly folder: string
  /** Whether the mission is declared a bulk edit, by `change_mode` in its own file. */
  readonly isDeclared: boolean
  readonly map: RuledMap | ListedMap
  readonly warnings: readonly string[]
}

export type BulkEditCheck = BulkEdit & {
  /** Full object ids; `base` is where the two lines part. */
  readonly base: string
  readonly head: string
  readonly findings: readonly Finding[]
}

const META_SIZE_MAX_BYTES = 1024 * 1024
const FILE_SIZE_MAX_BYTES = 4 * 1024 * 1024
const LINES_EXPLAINED = 200

/**
 * The bulk edit of this mission; by default of the only one that is declared, or else has a map.
 *
 * @throws ProjectError MISSION_NOT_FOUND, …, BULK_EDIT_NONE, BULK_EDIT_AMBIGUOUS, MAP_MISSING, MAP_UNUSABLE
 */
export async function openBulkEdit(
  repository: Repository,
  reference: string | null,
): Promise<BulkEdit> {
  const mission = await missionOf(repository, reference)
  const folder = `${MISSIONS_FOLDER}/${mission.directory}`
  const faults: string[] = []
  for (const root of rootsOf(repository)) {
    const reading = readOccurrenceMap(root, [MISSIONS_FOLDER, mission.directory, MAP_NAME])
    if (reading.state === 'unusable') faults.push(...reading.faults)
    if (reading.state !== 'absent') {
      if (reading.state === 'unusable') break
      const isDeclared = isBulkEdit(repository.root, mission)
      return { mission, folder, isDeclared, map: reading.map, warnings: reading.warnings }
    }
  }
  if (faults.length === 0) {
    throw new ProjectError('MAP_MISSING', `${folder}/${MAP_NAME} is expected`, {
      hint: 'Draft one with `kittiwake bulk-edit plan`.',
    })
  }
  throw new ProjectError('MAP_UNUSABLE', `the map can't be used: ${faults.join('; ')}`, {
    hint: `Mend ${folder}/${MAP_NAME}; nothing passes meanwhile.`,
    details: { faults },
  })
}

/**
 * Holds what `head` has changed since it parted from `base` to the map.
 *
 * @throws as `openBulkEdit`; GitError REF_NOT_FOUND, DIFF_FAILED, GIT_*
 */
export async function checkBulkEdit(
  repository: Repository,
  options: { readonly mission: string | null; readonly base: string | null; readonly head: string },
): Promise<BulkEditCheck> {
  const edit = await openBulkEdit(repository, options.mission)
  const wanted = options.base ?? `refs/heads/${edit.mission.target_branch}`
  const { base, head, files } = await compareCommits(repository.worktree, wanted, options.head)
  const { map, folder } = edit
  const findings =
    map.shape === 'rules' ? checkRuledEdit(map, folder, files) : checkListedEdit(map, folder, files)
  return { ...edit, base, head, findings }
}

export type Explanation = {
  readonly path: string
  /** What its kind is by its path alone; null where none fits. */
  readonly category: string | null
  /** What a rule on the path says; null where its lines decide. */
  readonly rule: ReturnType<typeof verdictOfPath>
  readonly pinned: readonly string[]
  /** Lines that have the term, or are listed, as the file now stands. */
  readonly lines: readonly {
    readonly line: number
    readonly category: string | null
    readonly verdict: string
    readonly reason: string
  }[]
}

/** How the map sees a path, whether it is changed or not. Total. */
export function explainPath(root: string, { map, folder }: BulkEdit, path: string): Explanation {
  const rule = verdictOfPath(map, folder, path)
  const about = { path, category: categoryOfPath(path), rule, pinned: pinnedFields(map, path) }
  if (map.shape === 'occurrences') {
    const rows = [
      ...map.removals.map((one) => ({ ...one, verdict: 'allowed', reason: 'listed' })),
      ...map.keeps.map((one) => ({ ...one, verdict: 'violation', reason: 'kept_line' })),
    ]
    const lines = rows
      .filter((row) => row.path === path)
      .map(({ line, category, verdict, reason }) => ({
        line: line ?? 0,
        category,
        verdict,
        reason,
      }))
    return { ...about, lines }
  }
  const terms = spelled(map.term)
  const text = readText(join(root, path), FILE_SIZE_MAX_BYTES, { followLink: false }) ?? ''
  const lines = text
    .split('\n')
    .map((line, at) => ({ line, number: at + 1 }))
    .filter(({ line }) => hasTerm(line, terms))
    .slice(0, LINES_EXPLAINED)
    .map(({ line, number }) => {
      const category = categoryOfLine(path, line)
      const { verdict, reason } = verdictOfCategory(map, category)
      return { line: number, category, verdict, reason }
    })
  return { ...about, lines }
}

/** The checkouts in which the map may stand: where one is, the mission's own branch, the primary one. */
function rootsOf(repository: Repository): readonly string[] {
  const linked = listCheckouts(repository)
    .filter(({ present }) => present)
    .map(({ worktree }) => worktree)
  return [...new Set([repository.worktree, repository.root, ...linked])]
}

async function missionOf(repository: Repository, reference: string | null): Promise<Mission> {
  if (reference !== null) return readMission(repository, reference)
  const { missions } = await listMissions(repository)
  const declared = missions.filter((mission) => isBulkEdit(repository.root, mission))
  const mapped = declared.length > 0 ? declared : missions.filter((one) => hasMap(repository, one))
  const [only, second] = mapped
  if (only !== undefined && second === undefined) return only
  const hint = 'Name the mission with `--mission`.'
  if (only === undefined) {
    throw new ProjectError('BULK_EDIT_NONE', 'no mission is declared a bulk edit', { hint })
  }
  throw new ProjectError('BULK_EDIT_AMBIGUOUS', `${mapped.length} missions are bulk edits`, {
    hint,
  })
}

function hasMap(repository: Repository, { directory }: Mission): boolean {
  const path = [MISSIONS_FOLDER, directory, MAP_NAME]
  return rootsOf(repository).some((root) => existsSync(join(root, ...path)))
}

/** `change_mode: bulk_edit` in the mission's own file. */
function isBulkEdit(root: string, mission: Mission): boolean {
  const path = join(root, MISSIONS_FOLDER, mission.directory, META_NAME)
  const read = readBounded(path, META_SIZE_MAX_BYTES, { followLink: true })
  if (read.state !== 'read') return false
  try {
    const meta = parseJsonObject(read.bytes.toString('utf8').replace(/^\uFEFF/, ''))
    return meta['change_mode'] === 'bulk_edit'
  } catch {
    return false
  }
}
