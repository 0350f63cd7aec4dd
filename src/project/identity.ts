/**
 * The project's identity. `init` alone mints it, once, under a lock; everybody else reads it and
 * never writes.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { UUID_V4_PATTERN } from '../contracts/event.ts'
import { ProjectError } from '../errors.ts'
import { withProjectFields } from './config/config-edit.ts'
import { CONFIG_PATH, readConfig, readSharedConfig } from './config/config.ts'
import type { ConfigReading } from './config/config.ts'
import { sweepLeftovers } from './files/durable-file.ts'
import { readOriginUrl } from './git/git-config.ts'
import { readIdentityBlock } from './config/identity-block.ts'
import type { IdentityBlock } from './config/identity-block.ts'
import { machineOf } from './machine.ts'
import { runGit } from './git/native-git.ts'
import { plainNodeIdOf } from './node-id.ts'
import { replaceFile } from './files/replace-file.ts'
import { withRepositoryLock } from './git/repository-lock.ts'
import { pathWithoutLinks } from './files/safe-path.ts'
import { directoryNameOf, slugOf } from './slug.ts'
import type { Identity, IdentityReading, Repository } from './types.ts'
import { buildIdOf } from './uuid.ts'

export type EnsuredIdentity = {
  readonly identity: Identity
  /** Whether this call minted the project's uuid. */
  readonly created: boolean
}

const NEW_FILE_MODE = 0o644
const REPLACE_ATTEMPTS_MAX = 5
const [FOLDER = '.kittify', NAME = 'config.yaml'] = CONFIG_PATH

/**
 * The identity as recorded; fields that an older tool left out are derived, and nothing is written.
 */
export async function readIdentity(repository: Repository): Promise<IdentityReading> {
  const reading = readIdentityBlock(readSharedConfig(repository.root))
  if (reading.state === 'unusable') return reading
  const { uuid } = reading.block
  if (uuid === null) return { state: 'absent' }
  if (!UUID_V4_PATTERN.test(uuid)) return { state: 'unusable', faults: [NOT_V4] }
  const nodeId = plainNodeIdOf(machineOf())
  return { state: 'present', identity: complete(repository, reading.block, uuid, nodeId) }
}

/** The identity that may stamp and send; one that is absent or unusable is null. */
export async function identityOrNull(repository: Repository): Promise<Identity | null> {
  const reading = await readIdentity(repository)
  return reading.state === 'present' ? reading.identity : null
}

/**
 * The identity that may stamp and send.
 *
 * @throws ProjectError NO_IDENTITY where there is none, CONFIG_UNUSABLE with the faults where it can't be read
 */
export async function requireIdentity(repository: Repository): Promise<Identity> {
  const reading = await readIdentity(repository)
  if (reading.state === 'present') return reading.identity
  throw noIdentity(reading.state === 'unusable' ? reading.faults : [])
}

/** Why there is no identity, and what to do: mint one, or mend the file. */
export function noIdentity(faults: readonly string[]): ProjectError {
  return faults.length === 0
    ? new ProjectError('NO_IDENTITY', 'this repository has no project identity', {
        hint: 'Run `kittiwake init`.',
      })
    : new ProjectError('CONFIG_UNUSABLE', `the identity can't be read: ${faults.join('; ')}`, {
        hint: 'Mend .kittify/config.yaml; nothing is overwritten meanwhile.',
      })
}

const NOT_V4 = 'project.uuid: a UUID of version 4 is expected'

/**
 * The identity, minted or completed where needed. For `init` only. Of many callers the first one's
 * uuid wins.
 *
 * @throws ProjectError CONFIG_UNUSABLE, IDENTITY_NOT_V4, PATH_REFUSED, REPOSITORY_READ_ONLY,
 *   WRITE_FAILED, CONFIG_BUSY, REPOSITORY_BUSY, LOCK_UNUSABLE
 */
export async function ensureIdentity(
  repository: Repository,
  machine: { readonly node_id: string },
): Promise<EnsuredIdentity> {
  pathWithoutLinks(repository.root, CONFIG_PATH)
  const known = planOf(repository, machine.node_id)
  if (known.missing === null) return { identity: known.identity, created: false }
  if (known.config.state === 'absent') await refuseTracked(repository)
  return withRepositoryLock(repository.commonDir, 'identity', () => {
    sweep(repository)
    // Another process may have been first, and an editor that knows no lock may save meanwhile.
    for (let attempt = 0; attempt < REPLACE_ATTEMPTS_MAX; attempt++) {
      const plan = planOf(repository, machine.node_id)
      if (plan.missing === null) return { identity: plan.identity, created: false }
      if (write(repository.root, plan)) return { identity: plan.identity, created: plan.minted }
    }
    throw new ProjectError('CONFIG_BUSY', 'another program keeps changing .kittify/config.yaml', {
      hint: 'Close it, then run `kittiwake init` again.',
      retryable: true,
    })
  })
}

/** A sparse checkout may lack the file: with an identity of its own it would be another project than its team's. */
async function refuseTracked({ root }: Repository): Promise<void> {
  const args = ['ls-files', '--error-unmatch', '--', CONFIG_PATH.join('/')]
  // Without git nothing is known, and nothing stands against it.
  const outcome = await runGit(args, { cwd: root }).catch(() => null)
  if (outcome?.code !== 0) return
  throw new ProjectError(
    'CONFIG_UNUSABLE',
    '.kittify/config.yaml is tracked by git and is not in this checkout',
    {
      hint: 'Get it with `git sparse-checkout add .kittify`, or `git restore .kittify`. For another identity, `git rm --cached .kittify/config.yaml` first.',
    },
  )
}

function sweep({ root }: Repository): void {
  try {
    // The lock is ours, so whoever made them is dead.
    sweepLeftovers(join(root, ...CONFIG_PATH))
  } catch {
    // Leftovers harm nobody.
  }
}

type Plan = {
  readonly config: Exclude<ConfigReading, { state: 'unusable' }>
  readonly identity: Identity
  /** The fields to write, or null where the file has them all. */
  readonly missing: Readonly<Record<string, string>> | null
  readonly minted: boolean
}

function planOf(repository: Repository, nodeId: string): Plan {
  const config = readConfig(repository.root)
  const reading = readIdentityBlock(config)
  if (reading.state === 'unusable' || config.state === 'unusable') {
    throw unusable(reading.state === 'unusable' ? reading.faults : [])
  }
  const { block } = reading
  if (block.uuid !== null && !UUID_V4_PATTERN.test(block.uuid)) {
    throw new ProjectError('IDENTITY_NOT_V4', `${NOT_V4}; the one that is there stays`, {
      hint: 'If no other tool needs it, remove the line `uuid:` and run `kittiwake init` again.',
    })
  }
  const identity = complete(repository, block, block.uuid ?? randomUUID(), nodeId)
  const fields = (['uuid', 'slug', 'node_id', 'build_id'] as const).filter(
    (key) => block[key] === null,
  )
  const missing =
    fields.length === 0 ? null : Object.fromEntries(fields.map((key) => [key, identity[key]]))
  return { config, identity, missing, minted: block.uuid === null }
}

function complete(
  repository: Repository,
  block: IdentityBlock,
  uuid: string,
  nodeId: string,
): Identity {
  const node_id = block.node_id ?? nodeId
  return {
    uuid,
    slug:
      block.slug ?? slugOf(readOriginUrl(repository.commonDir), directoryNameOf(repository.root)),
    node_id,
    build_id: block.build_id ?? buildIdOf(uuid, node_id),
    ...(block.repo_slug === null ? {} : { repo_slug: block.repo_slug }),
  }
}

function write(root: string, { config, missing }: Plan): boolean {
  const present = config.state === 'present' ? config : null
  const text = withProjectFields(present, missing ?? {})
  if (text === null) throw unusable(['the block `project` can not be added to this file'])
  return replaceFile(
    { root, folders: [FOLDER], name: NAME },
    {
      text,
      mode: present?.mode ?? NEW_FILE_MODE,
      stillWanted: () => {
        const now = readConfig(root)
        return now.state === config.state && (now.state !== 'present' || now.text === present?.text)
      },
    },
  )
}

function unusable(faults: readonly string[]): ProjectError {
  return new ProjectError(
    'CONFIG_UNUSABLE',
    `.kittify/config.yaml can't be used and was left as it is: ${faults.join('; ')}`,
    { hint: 'Repair the file by hand, then run `kittiwake init` again.' },
  )
}
