/**
 * The compatibility gate: whether a command that writes may run on the files of this project. It is asked once, before
 * such a command and before a runtime opens; what only reads is never asked.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT, GateError } from '../../errors.ts'
import { REQUIRED_SCHEMA } from '../contract-version.ts'
import { locateRepository } from '../git/locate.ts'
import type { MetadataReading } from './metadata.ts'
import { readPlainSchema } from './plain-metadata.ts'
import { packageVersion } from '../program-files.ts'
import { leavesRoot } from '../files/safe-path.ts'
import type { Repository } from '../types.ts'

/** Whether a command leaves the files of a project alone. One that nobody knows is unsafe. */
export type Safety = 'safe' | 'unsafe'

export type ProjectState =
  | 'no_project'
  | 'uninitialized'
  | 'corrupt'
  | 'legacy'
  | 'stale'
  | 'compatible'
  | 'too_new'

export type GateCase =
  | 'none'
  | 'project_metadata_corrupt'
  | 'project_too_new_for_cli'
  | 'project_migration_needed'
  | 'project_not_initialized'

export type GateDecision =
  | 'ALLOW'
  | 'BLOCK_PROJECT_CORRUPT'
  | 'BLOCK_CLI_UPGRADE'
  | 'BLOCK_PROJECT_MIGRATION'

/** What machines read; the keys and tokens of the planner's contract, version 1. */
export type GatePlan = {
  readonly schema_version: 1
  readonly case: GateCase
  readonly decision: GateDecision
  /** What a command that is blocked exits with; 0 where it may run. */
  readonly exit_code: 0 | 4 | 5 | 6
  readonly cli: {
    readonly installed_version: string
    /** Nothing is asked for newer versions. */
    readonly latest_version: null
    readonly latest_source: 'none'
    readonly is_outdated: false
    readonly fetched_at: null
  }
  readonly project: {
    readonly state: ProjectState
    readonly project_root: string | null
    readonly schema_version: number | null
    readonly min_supported: number
    readonly max_supported: number
    /** A stable token; null but in the state corrupt. */
    readonly metadata_error: string | null
  }
  readonly safety: Safety
  readonly install_method: 'unknown'
  /** Either a command or a note. */
  readonly upgrade_hint: {
    readonly install_method: 'unknown'
    readonly command: string | null
    readonly note: string | null
  }
  readonly pending_migrations: readonly {
    readonly migration_id: string
    readonly target_schema_version: number
    readonly description: string
    readonly files_modified: readonly string[]
  }[]
  /** At most four lines; empty where there is nothing to say. */
  readonly rendered_human: string
}

type Seen = {
  readonly state: ProjectState
  readonly root: string | null
  readonly schema: number | null
  readonly error: string | null
  readonly fault: string | null
}

/** @throws GateError where a command that writes may not run in this folder */
export async function passGate(cwd: string): Promise<void> {
  await refuseBlocked(await repositoryAround(cwd))
}

/** @throws GateError where the files of this project may not be written to */
export async function refuseBlocked(repository: Repository | null): Promise<void> {
  const seen = await look(repository)
  if (outcomeOf(seen, 'unsafe').exit === 0) return
  const plan = await planOf(seen, 'unsafe')
  throw new GateError(plan.case.toUpperCase(), messageOf(seen), {
    hint: hintOf(seen),
    gate: plan,
    exit: plan.exit_code,
  })
}

/** The whole plan for a command of that safety, around this folder. Never rejects. */
export async function planGate(cwd: string, safety: Safety): Promise<GatePlan> {
  return planOf(await look(await repositoryAround(cwd)), safety)
}

/** Null where a command that writes would find no project either, and says why. */
async function repositoryAround(cwd: string): Promise<Repository | null> {
  try {
    return await locateRepository(cwd)
  } catch {
    return null
  }
}

async function look(repository: Repository | null): Promise<Seen> {
  const root = repository?.root ?? null
  const seen = { root, schema: null, error: null, fault: null }
  // A folder that lies elsewhere is no project's; whoever would write there refuses it.
  if (root === null || leavesRoot(root, ['.kittify'])) return { ...seen, state: 'no_project' }
  if (!isThere(join(root, '.kittify'))) return { ...seen, state: 'no_project' }
  const schema = readPlainSchema(root)
  if (schema === REQUIRED_SCHEMA) return { ...seen, schema, state: 'compatible' }
  try {
    const { readMetadata } = await import('./metadata.ts')
    return { ...seen, ...lookAt(readMetadata(root)) }
  } catch {
    // Whoever can't tell what is there must not write.
    return { ...seen, state: 'corrupt', error: 'planner_error', fault: 'it could not be read' }
  }
}

function lookAt(reading: MetadataReading): Partial<Seen> & Pick<Seen, 'state'> {
  if (reading.state === 'absent') return { state: 'uninitialized' }
  if (reading.state === 'corrupt') {
    return { state: 'corrupt', error: reading.error, fault: reading.fault }
  }
  const { schema } = reading
  if (schema === null) return { state: 'legacy' }
  if (schema === REQUIRED_SCHEMA) return { state: 'compatible', schema }
  return { state: schema < REQUIRED_SCHEMA ? 'stale' : 'too_new', schema }
}

function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return true
  }
}

type Outcome = {
  readonly case: GateCase
  readonly decision: GateDecision
  readonly exit: GatePlan['exit_code']
}

const ALLOWED: Outcome = { case: 'none', decision: 'ALLOW', exit: EXIT.ok }
const OUTCOMES: Readonly<Record<ProjectState, Outcome>> = {
  compatible: ALLOWED,
  no_project: { ...ALLOWED, case: 'project_not_initialized' },
  uninitialized: { ...ALLOWED, case: 'project_not_initialized' },
  corrupt: {
    case: 'project_metadata_corrupt',
    decision: 'BLOCK_PROJECT_CORRUPT',
    exit: EXIT.metadataCorrupt,
  },
  too_new: {
    case: 'project_too_new_for_cli',
    decision: 'BLOCK_CLI_UPGRADE',
    exit: EXIT.programTooOld,
  },
  legacy: {
    case: 'project_migration_needed',
    decision: 'BLOCK_PROJECT_MIGRATION',
    exit: EXIT.migrationNeeded,
  },
  stale: {
    case: 'project_migration_needed',
    decision: 'BLOCK_PROJECT_MIGRATION',
    exit: EXIT.migrationNeeded,
  },
}

function outcomeOf({ state }: Seen, safety: Safety): Outcome {
  return safety === 'safe' ? ALLOWED : OUTCOMES[state]
}

async function planOf(seen: Seen, safety: Safety): Promise<GatePlan> {
  const outcome = outcomeOf(seen, safety)
  const { state, root, schema, error } = seen
  const isBlocking = OUTCOMES[state].exit !== EXIT.ok
  const command = state === 'too_new' || !isBlocking ? null : remedyOf(state)
  const note = state === 'too_new' ? 'Install a newer Kittiwake.' : 'Nothing to upgrade.'
  return {
    schema_version: 1,
    case: outcome.case,
    decision: outcome.decision,
    exit_code: outcome.exit,
    cli: {
      installed_version: packageVersion(),
      latest_version: null,
      latest_source: 'none',
      is_outdated: false,
      fetched_at: null,
    },
    project: {
      state,
      project_root: root,
      schema_version: schema,
      min_supported: REQUIRED_SCHEMA,
      max_supported: REQUIRED_SCHEMA,
      metadata_error: error,
    },
    safety,
    install_method: 'unknown',
    upgrade_hint: { install_method: 'unknown', command, note: command === null ? note : null },
    pending_migrations: isBlocking && root !== null ? await pendingIn(root) : [],
    rendered_human: isBlocking ? `${messageOf(seen)}\n${hintOf(seen)}` : '',
  }
}

async function pendingIn(root: string): Promise<GatePlan['pending_migrations']> {
  const { pendingMigrations } = await import('./migrations.ts')
  try {
    return pendingMigrations(root).map(({ migration, finding }) => ({
      migration_id: migration.id,
      target_schema_version: migration.schema,
      description: migration.description,
      files_modified: finding.paths,
    }))
  } catch {
    return []
  }
}

function remedyOf(state: ProjectState): string {
  return state === 'corrupt' ? 'kittiwake upgrade --yes' : 'kittiwake upgrade'
}

function messageOf({ state, schema, fault }: Seen): string {
  const file = '.kittify/metadata.yaml'
  switch (state) {
    case 'corrupt':
      return `${file} can't be used: ${fault ?? 'it could not be read'}`
    case 'too_new':
      return `the project has schema ${schema ?? '?'}, and this program knows ${REQUIRED_SCHEMA} only`
    case 'legacy':
      return `${file} names no schema: the project's files are of an older version`
    case 'stale':
      return `the project has schema ${schema ?? '?'}, and ${REQUIRED_SCHEMA} is needed`
    default:
      return 'the project may be written to'
  }
}

function hintOf({ state }: Seen): string {
  if (state === 'too_new') return 'Install a newer Kittiwake; what only reads goes on as it is.'
  if (state === 'corrupt') {
    return 'Restore it with git, or run `kittiwake upgrade --yes`, which keeps it beside the new one.'
  }
  return 'Run `kittiwake upgrade`; with `--dry-run` it only says what it would do.'
}
