/** What kind of repository it is: whether commits can be made in it, and how its files are written. */
import { join } from 'node:path'
import { readBounded } from '../files/bounded-file.ts'
import { gitBoolean, lastValue, parseGitConfig } from './git-config.ts'
import type { GitConfigEntry } from './git-config.ts'
import type { HashName } from './object-id.ts'

export type RepositoryFormat = {
  /** What it is instead of one that commits can be made in, or null. */
  readonly unsupported: string | null
  /** `extensions.objectFormat`. */
  readonly hash: HashName
  /** `core.logAllRefUpdates`: whether a missing reflog is made. */
  readonly createReflogs: boolean
  /** Permission bits that the repository's own files have. */
  readonly fileMode: number
}

const KNOWN_EXTENSIONS = new Set([
  'noop',
  'noop-v1',
  'objectformat',
  'partialclone',
  'preciousobjects',
  'refstorage',
  'relativeworktrees',
  'worktreeconfig',
])
const CONFIG_SIZE_MAX_BYTES = 1024 * 1024
const HEAD_SIZE_MAX_BYTES = 4096
const DEFAULT_FILE_MODE = 0o644

/** Total: a configuration that can't be read is not supported. */
export function readFormat(commonDir: string): RepositoryFormat {
  const { entries, isUnusable } = configOf(commonDir)
  const head = readBounded(join(commonDir, 'HEAD'), HEAD_SIZE_MAX_BYTES, { followLink: true })
  return {
    unsupported: isUnusable ? 'one whose configuration is no file of git' : faultOf(entries),
    hash: hashNameOf(entries) ?? 'sha1',
    createReflogs: gitBoolean(lastValue(entries, 'core.logallrefupdates')) !== false,
    fileMode: head.state === 'read' ? head.mode : DEFAULT_FILE_MODE,
  }
}

/** Whether objects may be missing until git fetches them, which nothing here makes it do. Total. */
export function isPartialClone(commonDir: string): boolean {
  return configOf(commonDir).entries.some(
    ({ key, value }) => /^remote\..*\.promisor$/.test(key) && gitBoolean(value) !== false,
  )
}

function configOf(commonDir: string): {
  readonly entries: readonly GitConfigEntry[]
  readonly isUnusable: boolean
} {
  const config = readBounded(join(commonDir, 'config'), CONFIG_SIZE_MAX_BYTES, { followLink: true })
  const text = config.state === 'read' ? config.bytes.toString('utf8') : ''
  return { entries: parseGitConfig(text), isUnusable: config.state === 'unusable' }
}

function faultOf(entries: readonly GitConfigEntry[]): string | null {
  const valueOf = (key: string) => valueIn(entries, key)
  const version = valueOf('core.repositoryformatversion') ?? '0'
  if (version !== '0' && version !== '1') return 'of a newer format than is known here'
  const hash = hashNameOf(entries)
  if (hash === null) return 'one whose object ids are not known here'
  // Git itself refuses such a configuration.
  if (hash === 'sha256' && version === '0') return 'damaged: its format does not know SHA-256'
  if ((valueOf('extensions.refstorage') ?? 'files') !== 'files') {
    return 'one whose references are not plain files'
  }
  const isUnknown = entries.some(({ key }) => {
    const extension = /^extensions\.(.+)$/.exec(key)?.[1]
    return extension !== undefined && !KNOWN_EXTENSIONS.has(extension)
  })
  return isUnknown && version === '1' ? 'one with an extension that is not known here' : null
}

function hashNameOf(entries: readonly GitConfigEntry[]): HashName | null {
  const name = valueIn(entries, 'extensions.objectformat') ?? 'sha1'
  return name === 'sha1' || name === 'sha256' ? name : null
}

function valueIn(entries: readonly GitConfigEntry[], key: string): string | null {
  return lastValue(entries, key)?.toLowerCase() ?? null
}
