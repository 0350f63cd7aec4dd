/** Why a commit can't happen now, as a value that the code beneath `commitPaths` can throw. */
import { systemCode } from '../../errors.ts'
import type { DeferralReason } from './protocol.ts'

export type Deferred = {
  readonly type: 'deferred'
  readonly reason: DeferralReason
  readonly message: string
  /** The path that it is about, where there is one: as it was asked for. */
  readonly path?: string
}

/** Thrown inside the engine only; `commitPaths` turns it into its outcome. */
export class CommitDeferral extends Error {
  override readonly name = 'CommitDeferral'
  readonly reason: DeferralReason
  path: string | undefined

  constructor(reason: DeferralReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.reason = reason
  }
}

const READ_ONLY_CODES = new Set(['EROFS', 'EACCES', 'EPERM'])

/** The outcome that an error stands for, or null where it is a bug that must stay visible. */
export function deferralOf(error: unknown): Deferred | null {
  if (error instanceof CommitDeferral) {
    const { reason, message, path } = error
    return { type: 'deferred', reason, message, ...(path === undefined ? {} : { path }) }
  }
  const code = systemCode(error)
  if (code === null) return null
  if (READ_ONLY_CODES.has(code)) {
    const message = `The repository can not be written to (${code}). Make it writable for this user.`
    return { type: 'deferred', reason: 'repository_read_only', message }
  }
  if (code === 'ERR_FS_FILE_TOO_LARGE') {
    const message = 'A pack of the repository is larger than 2 GiB. Repack it into smaller ones.'
    return { type: 'deferred', reason: 'repository_unsupported', message }
  }
  if (!/^E[A-Z0-9]+$/.test(code)) return null
  const message = `The disk refused a step of the commit (${code}). Free space or check the disk.`
  return { type: 'deferred', reason: 'io_error', message }
}
