/**
 * Objects by git's own plumbing, for what our code over git's files can't do: names of SHA-256, and commits that are signed.
 * Git gives each object its name once it is whole; here it is made durable, and a commit is read again before a branch may
 * move to it.
 */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { GitError } from '../../../errors.ts'
import { hashOf, isOid, objectId } from '../../../project/git/object-id.ts'
import type { HashName } from '../../../project/git/object-id.ts'
import type { GitOutcome } from '../../../project/git/native-git.ts'
import { isPartialClone } from '../../../project/git/repository-format.ts'
import { CatFile } from './cat-file.ts'
import { checkAuthor, cleanMessage } from './commit-object.ts'
import type { CommitDraft } from './commit-object.ts'
import { CommitDeferral } from '../deferral.ts'
import { isWhole, loosePath, missing, unreadable } from './loose-object.ts'
import { runOnObjects, startOf, withoutGit } from './object-command.ts'
import type { More } from './object-command.ts'
import { NOTHING_UNSETTLED } from '../disk/durable-fs.ts'
import type { Unsettled } from '../disk/durable-fs.ts'
import type { ObjectReader, ObjectStore, RawObject, StoreOptions } from './object-store.ts'
import { failed } from './signer.ts'
import type { Signer } from './signer.ts'

/** What calls with one cache share. */
type Shared = { readonly catFile: CatFile; signerRestsUntil: number }

const SHARED = new WeakMap<object, Shared>()
/** After it has not answered. So a command with several commits to make waits once. */
const SIGNER_REST_MS = 60_000
const READ_TRIES = 2
const SIGNED = /^gpgsig(?:-sha256)? /m
const DISK_SAYS = /permission|read-only|unable to (?:write|create)|no space/i

export class PlumbingReader implements ObjectReader {
  readonly #commonDir: string
  readonly #catFile: CatFile

  constructor(commonDir: string, cache: object) {
    this.#commonDir = commonDir
    this.#catFile = sharedBy(cache, commonDir).catFile
  }

  async read(oid: string): Promise<RawObject> {
    // Git would take it for a name.
    if (!isOid(oid)) throw missing(this.#commonDir)
    const read = await this.#ask(oid)
    if (read !== null && objectId(hashOf(oid), read.type, read.bytes) === oid) return read
    // Git calls missing what is there and damaged.
    if (read !== null || existsSync(loosePath(this.#commonDir, oid))) throw unreadable()
    throw missing(this.#commonDir)
  }

  /** Somebody may have ended the process that answers; a damaged object ends it each time. */
  async #ask(oid: string): Promise<RawObject | null> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#catFile.read(oid)
      } catch (error) {
        if (error instanceof GitError) throw withoutGit(error)
        if (tries < READ_TRIES) continue
        // It dies over an object that it would fetch, and may not.
        if (isPartialClone(this.#commonDir)) return null
        throw unreadable(error)
      }
    }
  }
}

export class PlumbingObjects implements ObjectStore {
  readonly hash: HashName
  readonly #commonDir: string
  readonly #fs: StoreOptions['fs']
  readonly #signer: Signer | null
  readonly #signingTimeoutMs: number
  readonly #shared: Shared
  readonly #reader: PlumbingReader
  readonly #pending = new Map<string, { readonly type: string; readonly bytes: Uint8Array }>()

  constructor({ placement, fs, format, cache, signer, signingTimeoutMs }: StoreOptions) {
    this.hash = format.hash
    this.#commonDir = placement.commonDir
    this.#fs = fs
    this.#signer = signer
    this.#signingTimeoutMs = signingTimeoutMs
    this.#shared = sharedBy(cache, placement.commonDir)
    this.#reader = new PlumbingReader(placement.commonDir, cache)
  }

  async read(oid: string): Promise<RawObject> {
    return this.#reader.read(oid)
  }

  async write(type: 'blob' | 'tree', bytes: Uint8Array): Promise<string> {
    const oid = objectId(this.hash, type, bytes)
    this.#pending.set(oid, { type, bytes })
    return oid
  }

  async commit(draft: CommitDraft): Promise<string> {
    const oids = [...this.#pending.keys()]
    const oid = await this.#make(draft).catch((error: unknown) => {
      throw withoutGit(error)
    })
    await this.#settle([...oids, oid])
    await this.#prove(oid, draft)
    return oid
  }

  /** Git's own programs have written all, and it was made durable. */
  takeUnsettled(): Unsettled {
    return NOTHING_UNSETTLED
  }

  async #make(draft: CommitDraft): Promise<string> {
    const written = await Promise.allSettled(['blob', 'tree'].map((type) => this.#writeAll(type)))
    for (const one of written) if (one.status === 'rejected') throw one.reason
    return this.#commitTree(draft)
  }

  /** All of a type by one process, which reads them from files: on its input it takes but one. */
  async #writeAll(type: string): Promise<void> {
    const oids = [...this.#pending.keys()].filter((oid) => this.#pending.get(oid)?.type === type)
    if (oids.length === 0) return
    const temporaries: string[] = []
    try {
      for (const oid of oids) {
        await this.#clearTorn(oid)
        const bytes = this.#pending.get(oid)?.bytes ?? Buffer.alloc(0)
        temporaries.push(await this.#fs.createTemporary({ bytes, isDurable: false }))
      }
      // Literally, since trees keep what git once took, and `mktree` would spell modes anew.
      const args = ['hash-object', '-w', '-t', type, '--literally', '--no-filters', '--stdin-paths']
      const names = temporaries.map((path) => relative(startOf(this.#commonDir), path))
      const { code, stdout, stderr } = await this.#run(args, { input: `${names.join('\n')}\n` })
      if (code !== 0 || stdout.trim() !== oids.join('\n')) throw unwritten(stderr)
    } finally {
      for (const path of temporaries) await this.#fs.removeQuietly(path)
    }
    for (const oid of oids) this.#pending.delete(oid)
  }

  /** Git takes a file of the name for the object, whatever is in it. */
  async #clearTorn(oid: string): Promise<void> {
    const path = loosePath(this.#commonDir, oid)
    if (existsSync(path) && !isWhole(path, oid)) await this.#fs.remove(path)
  }

  async #commitTree({ tree, parent, author, message, timestamp }: CommitDraft): Promise<string> {
    const { name, email } = checkAuthor(author)
    const date = `@${timestamp} +0000`
    const variables = {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    }
    const config = { 'i18n.commitEncoding': 'UTF-8', ...this.#signer?.config }
    const how = this.#signer === null ? '--no-gpg-sign' : `-S${this.#signer.key}`
    const args = ['commit-tree', '-p', parent, '-F', '-', how, tree]
    const more = { input: cleanMessage(message), variables, config }
    const isSigned = this.#signer !== null
    const { code, stdout, stderr } = await (isSigned
      ? this.#sign(args, more)
      : this.#run(args, more))
    // Whatever the signer prints comes before.
    const oid = stdout.trim().split('\n').at(-1) ?? ''
    if (code === 0 && isOid(oid)) return oid
    if (!isSigned || DISK_SAYS.test(stderr)) throw unwritten(stderr)
    throw failed(
      'The program that signs failed. See why with git commit -S, or unset commit.gpgsign.',
    )
  }

  /** The signer may ask somebody who is not there. */
  async #sign(args: readonly string[], more: More): Promise<GitOutcome> {
    if (performance.now() < this.#shared.signerRestsUntil) throw overdue()
    const bounds = { timeoutMs: this.#signingTimeoutMs, isGroup: true }
    return this.#run(args, { ...more, ...bounds }).catch((error: unknown) => {
      if (!(error instanceof GitError) || error.code !== 'GIT_TIMEOUT') throw error
      this.#shared.signerRestsUntil = performance.now() + SIGNER_REST_MS
      throw overdue()
    })
  }

  async #run(args: readonly string[], more: More): Promise<GitOutcome> {
    this.#fs.announceGit(join(this.#commonDir, 'objects'))
    return runOnObjects(this.#commonDir, args, more)
  }

  /** Git may have found an object that somebody else wrote without fsync; in a pack it is durable. */
  async #settle(oids: readonly string[]): Promise<void> {
    const unsynced = new Set([join(this.#commonDir, 'objects')])
    for (const path of oids.map((oid) => loosePath(this.#commonDir, oid))) {
      if (existsSync(path)) await this.#fs.refreshFile(path, unsynced)
    }
    await this.#fs.syncDirectories(unsynced)
  }

  /** That it is what was asked for, and signed where it must be. */
  async #prove(oid: string, { tree, parent }: CommitDraft): Promise<void> {
    const { type, bytes } = await this.read(oid)
    const text = bytes.toString('latin1')
    const head = text.slice(0, text.indexOf('\n\n') + 1)
    const isOurs = type === 'commit' && head.startsWith(`tree ${tree}\nparent ${parent}\nauthor `)
    if (!isOurs) throw unreadable()
    if (this.#signer !== null && !SIGNED.test(head))
      throw failed('Git made a commit and did not sign it.')
  }
}

function sharedBy(cache: object, commonDir: string): Shared {
  const known = SHARED.get(cache)
  if (known !== undefined) return known
  const shared = { catFile: new CatFile(commonDir), signerRestsUntil: 0 }
  SHARED.set(cache, shared)
  return shared
}

function overdue(): CommitDeferral {
  return failed(
    'The program that signs did not answer in time. Unlock the key, so that it asks nothing.',
  )
}

/** What git says of it is untrusted, and only looked through. */
function unwritten(stderr: string): CommitDeferral {
  if (/permission|read-only/i.test(stderr)) {
    const message =
      'The objects of the repository can not be written to. Make it writable for this user.'
    return new CommitDeferral('repository_read_only', message)
  }
  const message = 'Git could not write an object. Free space, check the disk, and run git fsck.'
  return new CommitDeferral('io_error', message)
}
