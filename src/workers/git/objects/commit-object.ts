/** A commit as git keeps it: what stands in it, and how that is written. */
import { GitError } from '../../../errors.ts'
import type { Author } from '../../../project/bookkeeper.ts'

export type CommitDraft = {
  /** Ids. */
  readonly tree: string
  readonly parent: string
  /** Also the committer. */
  readonly author: Author
  readonly message: string
  /** Unix seconds; the zone is UTC. */
  readonly timestamp: number
}

/** As git writes it. @throws GitError SIGNATURE_INVALID. */
export function renderCommit(draft: CommitDraft): Buffer {
  const { tree, parent, timestamp, message } = draft
  const { name, email } = checkAuthor(draft.author)
  const person = `${name} <${email}> ${timestamp} +0000`
  return Buffer.from(
    `tree ${tree}\nparent ${parent}\nauthor ${person}\ncommitter ${person}\n\n${cleanMessage(message)}`,
  )
}

/** Without what ends a C string, with one line end. */
export function cleanMessage(message: string): string {
  const text = message
    .replaceAll('\0', '')
    .replaceAll('\r', '')
    .replace(/^\n+|\n+$/g, '')
  return `${text}\n`
}

/** @throws GitError SIGNATURE_INVALID for what would break the commit's header. */
export function checkAuthor({ name, email }: Author): Author {
  if (/^[^<>\p{Cc}]+$/u.test(name) && /^[^<>\p{Cc}]*$/u.test(email)) return { name, email }
  throw new GitError('SIGNATURE_INVALID', 'An author has a name and an e-mail without < or >.', {
    hint: 'Correct user.name and user.email in the git configuration.',
  })
}
