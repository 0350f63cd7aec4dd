import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { invalidateTree, patchExtensions } from '#dist/workers/git/index-extensions.js'
import { findEntry, parseIndex } from '#dist/workers/git/index-entries.js'
import { patchIndex } from '#dist/workers/git/index-file.js'
import { GIT_ENVIRONMENT } from '../../support/git-repository.ts'

const OID = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
const OUR_OID = '0cfbf08886fca9a91cb753ec8734c84fcbe52c9f'

const segment = fc.stringMatching(/^[a-zß-ü0-9_-]{1,12}$/)
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
const longPath = segment.map((name) => `long/${name.repeat(500)}`)

describe('an index of any version', () => {
  let root: string

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'kittiwake-index-'))
    execFileSync('git', ['init', '-q'], { cwd: root, env: GIT_ENVIRONMENT })
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  function git(args: string[], input?: string): string {
    const options = { cwd: root, env: GIT_ENVIRONMENT, encoding: 'utf8' as const }
    return execFileSync('git', args, input === undefined ? options : { ...options, input })
  }

  /** An index with the paths, as native git writes it. */
  function nativeIndex(paths: readonly string[], version: string): Buffer {
    rmSync(join(root, '.git/index'), { force: true })
    const lines = paths.map((each) => `100644 ${OID}\t${each}\n`).join('')
    git(['update-index', '--add', '--index-info'], lines)
    git(['update-index', '--index-version', version, '--force-write-index'])
    return readFileSync(join(root, '.git/index'))
  }

  function listed(): string[] {
    return git(['ls-files', '-z', '--stage']).split('\0').filter(Boolean)
  }

  test.prop(
    [
      fc.uniqueArray(fc.oneof({ weight: 9, arbitrary: path }, longPath), { maxLength: 12 }),
      path,
      fc.constantFrom('2', '4'),
    ],
    { numRuns: 60 },
  )('lists our entry and all others after a patch, as git reads it', (paths, ours, version) => {
    const others = withoutFolderConflicts(paths, ours)
    const index = nativeIndex(others, version)
    const stats = lstatSync(root, { bigint: true })
    const file = { path: ours, oid: OUR_OID, mode: '100644', stats }
    const { bytes } = patchIndex(index, [file])
    writeFileSync(join(root, '.git/index'), bytes)
    const expected = new Map(others.map((each) => [each, OID])).set(ours, OUR_OID)
    const entries = [...expected].map(([name, oid]) => `100644 ${oid} 0\t${name}`)
    expect(listed().sort()).toEqual(entries.sort())
    expect(findEntry(bytes, ours)?.oid).toBe(OUR_OID)
    expect(patchIndex(bytes, [file]).bytes.equals(bytes)).toBe(true)
  })

  test.prop([fc.uint8Array({ maxLength: 300 })])(
    'that is only noise gives a typed refusal',
    (noise) => {
      const bytes = Buffer.concat([Buffer.from('DIRC\0\0\0\x02\0\0\0\x03', 'latin1'), noise])
      const patch = (): unknown => patchIndex(Buffer.concat([bytes, Buffer.alloc(20)]), [])
      expect(patch).toThrow(expect.objectContaining({ reason: 'index_unsupported' }))
    },
  )

  test.prop([fc.integer({ min: 0, max: 10_000 }), fc.constantFrom('2', '4')], { numRuns: 40 })(
    'that is cut off anywhere gives a typed refusal',
    (length, version) => {
      const whole = nativeIndex(['a/b', 'a/c', 'd'], version)
      const cut = whole.subarray(0, length % whole.length)
      expect(() => patchIndex(Buffer.from(cut), [])).toThrow(
        expect.objectContaining({ reason: 'index_unsupported' }),
      )
    },
  )

  it('is empty where there was none', () => {
    expect(parseIndex(patchIndex(null, []).bytes).entries).toEqual([])
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
  function extension(signature: string, body: string): Buffer {
    const header = Buffer.alloc(8)
    header.write(signature, 'latin1')
    header.writeUInt32BE(body.length, 4)
    return Buffer.concat([header, Buffer.from(body, 'latin1')])
  }
  const oid = 'x'.repeat(20)
  const tree = `\x003 2\n${oid}a\x002 1\n${oid}b\x001 0\n${oid}c\x001 0\n${oid}`

  it('lose the cached trees above our path, and no others', () => {
    const patched = invalidateTree(Buffer.from(tree, 'latin1'), 'a/file')
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
      expect(invalidateTree(Buffer.from(body, 'latin1'), 'a/file')).toBe(null)
    }
  })

  it('keep what our change leaves true, and lose what git makes anew', () => {
    const kept = ['REUC', 'UNTR', 'FSMN']
    const all = [...kept, 'EOIE', 'IEOT', 'ZZZZ'].map((name) => extension(name, name))
    const names = (block: Buffer): string[] => block.toString('latin1').match(/[A-Z]{4}/g) ?? []
    expect(new Set(names(patchExtensions(Buffer.concat(all), 'a', false)))).toEqual(new Set(kept))
    expect(new Set(names(patchExtensions(Buffer.concat(all), 'a', true)))).toEqual(
      new Set(['REUC']),
    )
  })

  it('that git calls mandatory are refused', () => {
    for (const name of ['link', 'sdir', 'zzzz']) {
      expect(() => patchExtensions(extension(name, ''), 'a', false)).toThrow(
        expect.objectContaining({ reason: 'index_unsupported' }),
      )
    }
  })

  it('longer than the file are refused', () => {
    expect(() => patchExtensions(extension('REUC', 'abc').subarray(0, -1), 'a', false)).toThrow()
    expect(() => patchExtensions(Buffer.from('REUC'), 'a', false)).toThrow()
  })
})
