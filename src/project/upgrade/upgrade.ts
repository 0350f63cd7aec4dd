/**
 * Brings a project to the contract. Each step is one file replaced at once, and the schema is raised by the last one:
 * a run that dies leaves the project as blocked as it was, and the next run goes on from there.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { counted } from '../../contracts/values/counted.ts'
import { errorDocument, KittiwakeError, ProjectError } from '../../errors.ts'
import { compareVersions, CONTRACT_VERSION, REQUIRED_SCHEMA } from '../contract-version.ts'
import { planGate, refuseBlocked } from './gate.ts'
import { locateRepository } from '../git/locate.ts'
import { readMetadata } from './metadata.ts'
import type { LedgerRow, MetadataReading, MigrationResult } from './metadata.ts'
import {
  changeMetadata,
  contractFields,
  keepUnusable,
  replaceMetadata,
  rowUnlessThere,
  startAnew,
  sweepMetadata,
  timeOf,
} from './metadata-write.ts'
import type { UsableMetadata } from './metadata-write.ts'
import { MIGRATIONS, passedOver, pendingMigrations } from './migrations.ts'
import type { PendingMigration } from './migrations.ts'
import { METADATA_PATH } from './plain-metadata.ts'
import { withRepositoryLock } from '../git/repository-lock.ts'
import type { Repository } from '../types.ts'
import { checkTarget } from './upgrade-target.ts'
import { listCheckouts } from '../git/worktrees.ts'

export type UpgradeOptions = {
  readonly dryRun: boolean
  /** A file that can't be used may be kept beside, and a new one take its place. */
  readonly mayReplace: boolean
  readonly target: string
}

export type CheckoutUpgrade = {
  /** Absolute path. */
  readonly root: string
  readonly status: 'up_to_date' | 'upgraded' | 'would_upgrade' | 'failed'
  /** `spec_kitty.version` before, null where there was none; and the schema likewise. */
  readonly from: { readonly version: string | null; readonly schema: number | null }
  readonly migrations: readonly {
    readonly id: string
    readonly description: string
    readonly target_version: string
    /** `manual`: what stands in `paths` has to be done by another program first. */
    readonly status: 'applied' | 'skipped' | 'pending' | 'manual'
    readonly paths: readonly string[]
  }[]
  /** Whether the file can't be used, so that only `mayReplace` takes it away. */
  readonly unusable: boolean
  /** Where the file that could not be used is kept, below `.kittify`. */
  readonly kept: string | null
  readonly error: KittiwakeError | null
}

export type Upgrade = {
  readonly primary: CheckoutUpgrade
  /** Linked worktrees that have the file. */
  readonly linked: readonly CheckoutUpgrade[]
}

/**
 * Upgrades the project around `cwd`, its linked worktrees before the checkout that the gate looks at.
 *
 * @throws ProjectError NO_PROJECT, UPGRADE_DOWNGRADE, UPGRADE_FAILED, UPGRADE_UNVERIFIED, UPGRADE_TARGET, …;
 *   GateError where the project is newer than this program, or its file can't be used and may not be replaced
 */
export async function upgradeProject(cwd: string, options: UpgradeOptions): Promise<Upgrade> {
  checkTarget(options.target)
  const repository = await locateRepository(cwd)
  if (!existsSync(join(repository.root, '.kittify'))) throw noProject()
  const upgradeAll = async (): Promise<Upgrade> => {
    await refuseWhole(repository, options)
    const linked: CheckoutUpgrade[] = []
    for (const root of linkedRoots(repository)) {
      linked.push(await upgradeLinked({ ...repository, root }, options))
    }
    return { primary: await upgradeCheckout(repository, options), linked }
  }
  if (options.dryRun) return upgradeAll()
  return withRepositoryLock(repository.commonDir, 'metadata', upgradeAll)
}

/**
 * Writes the file of a project that has none and needs no migration, as `init` does. Answers whether it did.
 *
 * @throws as `changeMetadata`
 */
export async function startMetadata(repository: Repository): Promise<boolean> {
  const isAbsent = (): boolean => readMetadata(repository.root).state === 'absent'
  if (!isAbsent() || pendingMigrations(repository.root).length > 0) return false
  return withRepositoryLock(repository.commonDir, 'metadata', () => {
    const before = readMetadata(repository.root)
    if (before.state !== 'absent') return false
    sweepMetadata(repository.root)
    const fields = contractFields(before, new Date(), false)
    changeMetadata(repository.root, before, { fields, rows: [] })
    return true
  })
}

/** Paths that an error names. */
const TOLD_MAX = 3
/** What stands against any upgrade, before the first write. */
async function refuseWhole(repository: Repository, options: UpgradeOptions): Promise<void> {
  const { project } = await planGate(repository.root, 'unsafe')
  const isCorrupt = project.state === 'corrupt'
  const isLeft = isCorrupt && !options.mayReplace && !options.dryRun
  if (project.state === 'too_new' || isLeft) await refuseBlocked(repository)
}

function linkedRoots(repository: Repository): readonly string[] {
  return listCheckouts(repository)
    .filter(({ present, worktree }) => present && worktree !== repository.root)
    .map(({ worktree }) => worktree)
    .filter((root) => existsSync(join(root, ...METADATA_PATH)))
}

/** One that can't be upgraded doesn't hold the others up. */
async function upgradeLinked(
  checkout: Repository,
  options: UpgradeOptions,
): Promise<CheckoutUpgrade> {
  const { root } = checkout
  try {
    const reading = readMetadata(root)
    const isTooNew = reading.state === 'present' && (reading.schema ?? 0) > REQUIRED_SCHEMA
    const isLeft = reading.state === 'corrupt' && !options.mayReplace && !options.dryRun
    if (isTooNew || isLeft) await refuseBlocked(checkout)
    return await upgradeCheckout(checkout, options)
  } catch (error) {
    if (!(error instanceof KittiwakeError)) throw error
    const found = readMetadata(root)
    const unusable = found.state === 'corrupt'
    const report = { root, from: originOf(found), unusable, kept: null, error }
    return { ...report, status: 'failed', migrations: [] }
  }
}

async function upgradeCheckout(
  checkout: Repository,
  { dryRun, target }: UpgradeOptions,
): Promise<CheckoutUpgrade> {
  const { root } = checkout
  const found = readMetadata(root)
  const from = originOf(found)
  const pending = pendingMigrations(root, target)
  const report = { root, from, unusable: found.state === 'corrupt', kept: null, error: null }
  if (isDone(found) && pending.length === 0) {
    return { ...report, status: 'up_to_date', migrations: [] }
  }
  if (dryRun) {
    return { ...report, status: 'would_upgrade', migrations: listed(pending, 'pending') }
  }
  sweepMetadata(root)
  const { reading, kept } = usable(root, found)
  const migrated = migrate(root, reading, pending)
  const skipped = passedOver(root, migrated.state === 'present' ? migrated.applied : [])
  await finish(
    checkout,
    migrated,
    skipped.map(({ id }) => rowOf(id, 'skipped', null)),
  )
  return { ...report, kept, status: 'upgraded', migrations: listed(pending, 'applied') }
}

function isDone(reading: MetadataReading): boolean {
  if (reading.state !== 'present' || reading.schema !== REQUIRED_SCHEMA) return false
  return reading.version !== null && compareVersions(reading.version, CONTRACT_VERSION) >= 0
}

function originOf(reading: MetadataReading): CheckoutUpgrade['from'] {
  if (reading.state !== 'present') return { version: null, schema: null }
  return { version: reading.version, schema: reading.schema }
}

function listed(
  pending: readonly PendingMigration[],
  done: 'applied' | 'pending',
): CheckoutUpgrade['migrations'] {
  return MIGRATIONS.map(({ id, description, target }) => {
    const one = pending.find(({ migration }) => migration.id === id)
    const needed = one?.finding.state === 'manual' ? 'manual' : done
    const status = one === undefined ? 'skipped' : needed
    return { id, description, target_version: target, status, paths: one?.finding.paths ?? [] }
  })
}

/** The file that is there, or, of one that can't be used, a new one that names no schema and so goes on blocking. */
function usable(
  root: string,
  found: MetadataReading,
): { readonly reading: UsableMetadata; readonly kept: string | null } {
  if (found.state !== 'corrupt') return { reading: found, kept: null }
  const kept = keepUnusable(root)
  return { reading: startAnew(root, found), kept }
}

/** Runs them in order up to the first that fails; each is in the ledger before the next begins. */
function migrate(
  root: string,
  start: UsableMetadata,
  pending: readonly PendingMigration[],
): UsableMetadata {
  let reading = start
  const record = (id: string, result: MigrationResult, notes: string): void => {
    const rows = rowUnlessThere(reading, rowOf(id, result, notes))
    if (rows.length > 0) reading = changeMetadata(root, reading, { fields: {}, rows })
  }
  for (const { migration, finding } of pending) {
    const { id, description } = migration
    const files = finding.paths.length
    if (finding.state === 'manual') {
      record(
        id,
        'failed',
        `${counted(files, 'file needs', 'files need')} the program that wrote them`,
      )
      throw failed(
        `${description}: only the program that wrote them can move what ${told(finding.paths)} keep`,
        'Run the upgrade of that program (`spec-kitty upgrade`), then this one again.',
      )
    }
    try {
      migration.apply(root, finding.paths)
    } catch (error) {
      const { code, hint, message } = errorDocument(error).error
      record(id, 'failed', code)
      throw failed(`${description}: ${message} (${code})`, hint ?? undefined)
    }
    record(id, 'success', counted(files, 'file'))
  }
  return reading
}

/** Stamps the file, and takes the stamp back where the project doesn't hold what it says. */
async function finish(
  checkout: Repository,
  before: UsableMetadata,
  rows: readonly LedgerRow[],
): Promise<void> {
  const { root } = checkout
  const fields = contractFields(before, new Date(), true)
  const stamped = changeMetadata(root, before, { fields, rows })
  const fault = await faultOf(checkout, before)
  if (fault === null) return
  if (before.state === 'present') replaceMetadata(root, stamped, before.file.text)
  else rmSync(join(root, ...METADATA_PATH), { force: true })
  throw new ProjectError('UPGRADE_UNVERIFIED', `the upgrade was taken back: ${fault}`, {
    hint: 'Run `kittiwake doctor`, and the upgrade again once it has nothing to say.',
  })
}

/** What isn't as an upgraded project has to be, read anew; null where all of it is. */
export async function faultOf(
  checkout: Repository,
  before: UsableMetadata,
): Promise<string | null> {
  const now = readMetadata(checkout.root)
  if (!isDone(now) || now.state !== 'present') return 'version and schema are not what was written'
  const initializedAt = before.state === 'present' ? before.initializedAt : null
  if (initializedAt !== null && now.initializedAt !== initializedAt) {
    return 'initialized_at has changed'
  }
  if (pendingMigrations(checkout.root).length > 0) return 'a migration is still needed'
  try {
    await refuseBlocked(checkout)
    return null
  } catch (error) {
    return errorDocument(error).error.message
  }
}

function rowOf(id: string, result: MigrationResult, notes: string | null): LedgerRow {
  return { id, applied_at: timeOf(new Date()), result, notes }
}

function noProject(): ProjectError {
  return new ProjectError('NO_PROJECT', 'there is no project in this repository', {
    hint: 'Run `kittiwake init`.',
  })
}

function told(paths: readonly string[]): string {
  const more = paths.length - TOLD_MAX
  return `${paths.slice(0, TOLD_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function failed(reason: string, hint = 'Run `kittiwake doctor`.'): ProjectError {
  return new ProjectError('UPGRADE_FAILED', `the project stays as it was: ${reason}`, { hint })
}
