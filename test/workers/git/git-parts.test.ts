import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deferralOf } from '#dist/workers/git/deferral.js'
import { ownerOf } from '#dist/workers/git/frames/find-frames.js'
import { branchTip } from '#dist/workers/git/refs/head.js'
import { parseTree, renderTree } from '#dist/workers/git/objects/tree.js'
import { BRANCH, GitRepository } from '../../support/git-repository.ts'
import { fc, property } from '../../support/property.ts'

const OIDS = { sha1: 'a1'.repeat(20), sha256: 'b2'.repeat(32) } as const

describe('the branch that a commit stands on', () => {
  let repository: GitRepository
  beforeEach(() => {
    repository = GitRepository.withCommit()
  })
  afterEach(() => repository.remove())

  it('is refused where it points to another one, or can not be read', () => {
    const { commonDir, ref } = repository.placement()
    expect(branchTip(commonDir, ref)).toBe(repository.git('rev-parse', ref).trim())
    expect(branchTip(commonDir, 'refs/heads/none')).toBe(null)
    repository.git('symbolic-ref', 'refs/heads/alias', `refs/heads/${BRANCH}`)
    expect(() => branchTip(commonDir, 'refs/heads/alias')).toThrow(
      expect.objectContaining({ reason: 'repository_unsupported' }),
    )
    writeFileSync(join(commonDir, 'refs/heads/torn'), 'a'.repeat(20))
    expect(() => branchTip(commonDir, 'refs/heads/torn')).toThrow(
      expect.objectContaining({ reason: 'io_error' }),
    )
  })
})

describe('a tree', () => {
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 12 })
    .filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f))
    .map((bytes) => Buffer.from(bytes))

  property([
    fc.uniqueArray(name, { maxLength: 8, selector: (each) => each.toString('hex') }),
    fc.constantFrom('sha1' as const, 'sha256' as const),
  ])(
    'is the same after reading and writing, names in any encoding, ids of any hash',
    (names, hash) => {
      const modes = ['100644', '40000', '120000', '100664', '160000']
      const entries = names.map((each, index) => ({
        mode: modes[index % modes.length] ?? '100644',
        name: each,
        oid: OIDS[hash],
      }))
      const bytes = renderTree(entries)
      expect(renderTree(parseTree(bytes, hash)).equals(bytes)).toBe(true)
      expect(parseTree(bytes, hash)).toHaveLength(names.length)
    },
  )

  it('that is malformed gives a typed error', () => {
    for (const text of ['100644', '100644 a', '100644 a\0short']) {
      expect(() => parseTree(Buffer.from(text), 'sha1')).toThrow(
        expect.objectContaining({ reason: 'io_error' }),
      )
    }
  })
})

describe('the reason of a deferral', () => {
  it('comes from what the system says, and a bug is none', () => {
    const reasonOf = (code: string): string | undefined =>
      deferralOf(Object.assign(new Error(code), { code }))?.reason
    expect(['EROFS', 'EACCES', 'EPERM'].map(reasonOf)).toEqual(
      Array.from({ length: 3 }, () => 'repository_read_only'),
    )
    expect(['EIO', 'ENOSPC', 'EMFILE'].map(reasonOf)).toEqual(
      Array.from({ length: 3 }, () => 'io_error'),
    )
    expect(reasonOf('ERR_FS_FILE_TOO_LARGE')).toBe('repository_unsupported')
    expect(reasonOf('ERR_INVALID_ARG_TYPE')).toBe(undefined)
    expect(deferralOf(new TypeError('a bug'))).toBe(null)
  })
})

it.each([
  ['the one whose folder it touches', ['a', 'b'], ['kitty-specs/b/x'], 'b'],
  [
    'the first of several that it touches',
    ['c', 'b', 'a'],
    ['kitty-specs/c/x', 'kitty-specs/b/x'],
    'b',
  ],
  ['the first where it touches none', ['b', 'a'], ['kitty-specs/x'], 'a'],
  [
    'the first where the name only begins alike',
    ['a', 'b'],
    ['kitty-specs/bb/x', 'kitty-specs/b'],
    'a',
  ],
  ['the only one', ['b'], ['kitty-specs/a/x'], 'b'],
  ['nobody', [], ['kitty-specs/a/x'], undefined],
])('a commit belongs to %s', (_, missions, files, owner) => {
  expect(ownerOf(missions, files)).toBe(owner)
})
