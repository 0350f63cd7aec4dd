/** What the glossary answers where it can't do what it was asked. */
import { GitError } from '../../../errors.ts'

export function conflictUnknown(): GitError {
  return new GitError(
    'GLOSSARY_CONFLICT_UNKNOWN',
    'no clarification with this id was requested in this mission',
    { hint: 'See `kittiwake glossary list --open`.' },
  )
}

export function alreadyResolved(): GitError {
  return new GitError(
    'GLOSSARY_ALREADY_RESOLVED',
    'the clarification has been resolved otherwise already',
    {
      hint: 'Give the term its new meaning with `kittiwake glossary observe TERM --mission M --definition D`.',
    },
  )
}

export function seedUnusable(name: string, reason: string): GitError {
  return new GitError('GLOSSARY_SEED_UNUSABLE', `${name} can't be used: ${reason}`, {
    hint: 'Repair the file, or restore it with git; what can not be read is never overwritten.',
  })
}

export function seedUneditable(name: string): GitError {
  return new GitError(
    'GLOSSARY_SEED_UNUSABLE',
    `no way was found to change ${name} and keep all else in it`,
    {
      hint: 'Write the entry into the file by hand, in block style, then run the command again.',
    },
  )
}
