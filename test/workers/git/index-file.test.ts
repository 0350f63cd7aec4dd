import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { invalidateTree, patchExtensions } from '#dist/workers/git/index/index-extensions.js'
import { layoutOf } from '#dist/workers/git/index/index-entries.js'
import { patchIndex } from '#dist/workers/git/index/index-file.js'
import { IndexScan } from '#dist/workers/git/index/index-scan.js'
import { GIT_ENVIRONMENT } from '../../support/git-repository.ts'
import { fc, property } from '../../support/property.ts'

const HASHES = ['sha1', 'sha256'] as const
type HashName = (typeof HASHES)[number]

/** Any two. */
const OIDS = {
  sha1: {
    theirs: 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391',
    ours: '0cfbf08886fca9a91cb753ec8734c84fcbe52c9f',
  },
  sha256: {
    theirs: '473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813',
    ours: 'a3ed1c4e2b6d0f6f8b2f7fbb0b2bb1d7ef1f5d4b1ad8d42bd2cf4a3b5dbb0c31',
  },
} as const

const segment = fc.stringMatching(/^[a-zß-ü0-9_-]{1,12}$/)
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
const longPath = segment.map((name) => `long/${name.repeat(500)}`)

describe('an index of any version and hash', () => {
  const roots = {} as Record<HashName, string>

  beforeAll(() => {
    for (const hash of HASHES) {
      roots[hash] = mkdtempSync(join(tmpdir(), 'kittiwake-index-'))
      git(hash, ['init', '-q', `--object-format=${hash}`])
    }
  })
  afterAll(() => {
    for (const hash of HASHES) rmSync(roots[hash], { recursive: true, force: true })
  })

  function git(hash: HashName, args: string[], input?: string): string {
    const options = { cwd: roots[hash], env: GIT_ENVIRONMENT, encoding: 'utf8' as const }
    return execFileSync('git', args, input === undefined ? options : { ...options, input })
  }

  /** An index with the paths, as native git writes it. */
  function nativeIndex(hash: HashName, paths: readonly string[], version: string): Buffer {
    rmSync(join(roots[hash], '.git/index'), { force: true })
    const lines = paths.map((each) => `100644 ${OIDS[hash].theirs}\t${each}\n`).join('')
    git(hash, ['update-index', '--add', '--index-info'], lines)
    git(hash, ['update-index', '--index-version', version, '--force-write-index'])
    return readFileSync(join(roots[hash], '.git/index'))
  }

  property(
    [
      fc.uniqueArray(fc.oneof({ weight: 9, arbitrary: path }, longPath), { maxLength: 12 }),
      path,
      fc.constantFrom('2', '4'),
      fc.constantFrom(...HASHES),
    ],
    { numRuns: 60 },
  )(
    'lists our entry and all others after a patch, as git reads it',
    (paths, ours, version, hash) => {
      const others = withoutFolderConflicts(paths, ours)
      const index = nativeIndex(hash, others, version)
      const stats = lstatSync(roots[hash], { bigint: true })
      const file = { path: ours, oid: OIDS[hash].ours, mode: '100644', stats }
      const bytes = Buffer.concat(patchIndex(index, [file], hash).pieces)
      writeFileSync(join(roots[hash], '.git/index'), bytes)
      const listed = git(hash, ['ls-files', '-z', '--stage']).split('\0').filter(Boolean)
      const expected = new Map<string, string>(others.map((each) => [each, OIDS[hash].theirs]))
      expected.set(ours, OIDS[hash].ours)
      const entries = [...expected].map(([name, oid]) => `100644 ${oid} 0\t${name}`)
      expect(listed.sort()).toEqual(entries.sort())
      const scan = new IndexScan(bytes, hash)
      expect(scan.oid(scan.find(Buffer.from(ours)))).toBe(OIDS[hash].ours)
      expect(Buffer.concat(patchIndex(bytes, [file], hash).pieces).equals(bytes)).toBe(true)
    },
  )

  property([fc.uint8Array({ maxLength: 300 })])(
    'that is only noise gives a typed refusal',
    (noise) => {
      const bytes = Buffer.concat([Buffer.from('DIRC\0\0\0\x02\0\0\0\x03', 'latin1'), noise])
      for (const hash of HASHES) {
        const whole = Buffer.concat([bytes, Buffer.alloc(32)])
        expect(() => patchIndex(whole, [], hash)).toThrow(
          expect.objectContaining({ reason: 'index_unsupported' }),
        )
      }
    },
  )

  property(
    [
      fc.integer({ min: 0, max: 10_000 }),
      fc.constantFrom('2', '4'),
      fc.constantFrom(...HASHES),
      fc.constantFrom(...HASHES),
    ],
    { numRuns: 40 },
  )('that is cut off anywhere gives a typed refusal', (length, version, hash, taken) => {
    const whole = nativeIndex(hash, ['a/b', 'a/c', 'd'], version)
    const cut = whole.subarray(0, length % whole.length)
    expect(() => patchIndex(Buffer.from(cut), [], taken)).toThrow(
      expect.objectContaining({ reason: 'index_unsupported' }),
    )
  })

  it('that is taken for one of the other hash gives a typed refusal', () => {
    for (const [hash, taken] of [HASHES, [...HASHES].reverse()] as [HashName, HashName][]) {
      expect(() => patchIndex(nativeIndex(hash, ['a'], '2'), [], taken)).toThrow(
        expect.objectContaining({ reason: 'index_unsupported' }),
      )
    }
  })

  it.each(HASHES)('is empty where there was none (%s)', (hash) => {
    expect(new IndexScan(Buffer.concat(patchIndex(null, [], hash).pieces), hash).count).toBe(0)
  })
})

/** Git can't stage a file and a file below it. */
function withoutFolderConflicts(paths: readonly string[], ours: string): string[] {
  const kept: string[] = []
  for (const each of paths) {
    const clashes = [...kept, ours].some(
      (other) => each !== other && (each.startsWith(`${other}/`) || other.startsWith(`${each}/`)),
    )
    if (!clashes) kept.push(each)
  }
  return kept
}

describe('the extensions of an index', () => {
  const patch = (block: Buffer, moved: boolean): Buffer =>
    patchExtensions(block, { path: 'a', moved }, layoutOf('sha1'))

  function extension(signature: string, body: string): Buffer {
    const header = Buffer.alloc(8)
    header.write(signature, 'latin1')
    header.writeUInt32BE(body.length, 4)
    return Buffer.concat([header, Buffer.from(body, 'latin1')])
  }
  const cacheOf = (oid: string): string =>
    `\x003 2\n${oid}a\x002 1\n${oid}b\x001 0\n${oid}c\x001 0\n${oid}`
  const tree = cacheOf('x'.repeat(20))

  it.each([20, 32])('lose the cached trees above our path, and no others (%i)', (oidBytes) => {
    const oid = 'x'.repeat(oidBytes)
    const patched = invalidateTree(Buffer.from(cacheOf(oid), 'latin1'), 'a/file', oidBytes)
    expect(patched?.toString('latin1')).toBe(
      `\x00-1 2\na\x00-1 1\nb\x001 0\n${oid}c\x001 0\n${oid}`,
    )
  })

  it('drop a cache of trees that makes no sense', () => {
    for (const body of [
      '\x00',
      '\x00x\n',
      `${tree}more`,
      '\x00-1 5\n',
      '\x00-1 1\n'.repeat(9_999),
    ]) {
      expect(invalidateTree(Buffer.from(body, 'latin1'), 'a/file', 20)).toBe(null)
    }
  })

  it('keep what our change leaves true, and lose what git makes anew', () => {
    const kept = ['REUC', 'UNTR', 'FSMN']
    const all = [...kept, 'EOIE', 'IEOT', 'ZZZZ'].map((name) => extension(name, name))
    const names = (block: Buffer): string[] => block.toString('latin1').match(/[A-Z]{4}/g) ?? []
    expect(new Set(names(patch(Buffer.concat(all), false)))).toEqual(new Set(kept))
    expect(new Set(names(patch(Buffer.concat(all), true)))).toEqual(new Set(['REUC']))
  })

  it('that git calls mandatory are refused', () => {
    for (const name of ['link', 'sdir', 'zzzz']) {
      expect(() => patch(extension(name, ''), false)).toThrow(
        expect.objectContaining({ reason: 'index_unsupported' }),
      )
    }
  })

  it('longer than the file are refused', () => {
    expect(() => patch(extension('REUC', 'abc').subarray(0, -1), false)).toThrow()
    expect(() => patch(Buffer.from('REUC'), false)).toThrow()
  })
})
