/** The programme of proofs: its parts see what they are for, and a slice of it runs. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InputError } from '#dist/errors.js'
import { Random } from '../../scripts/chaos/random.mjs'
import { FAULTS, holesOf, told } from '../../scripts/prove/coverage.mjs'
import { fuzzParsers, PARSERS, readCorpus } from '../../scripts/prove/parsers.mjs'

const SCRIPT = join(import.meta.dirname, '../../scripts/prove.mjs')
const TIMEOUT_MS = 300_000

function corpus(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kittiwake-corpus-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function fuzz(folder: string, parse: (bytes: Buffer) => unknown) {
  const parsers = { one: { fault: 'F34', parse } }
  return fuzzParsers({ random: new Random(7), forMs: 0, parsers, corpus: folder })
}

describe('the fuzz of the parsers', () => {
  it('keeps what a parser has no typed end for, and reads it again the next time', () => {
    const folder = corpus()
    const { inputs, faults } = fuzz(folder, () => {
      throw new TypeError('of nobody')
    })
    const [name = ''] = readdirSync(folder)
    expect(inputs).toBe(1)
    expect(faults).toEqual([expect.stringMatching(/^one: threw TypeError: of nobody/)])
    expect(faults[0]).toContain(name)
    expect(readCorpus(folder)).toHaveLength(1)
  })

  it('takes a typed refusal for an end, and makes the same inputs of the same seed', () => {
    const folder = corpus()
    const seen: string[] = []
    for (const _ of [1, 2]) {
      const { hits, faults } = fuzz(folder, (bytes) => {
        seen.push(bytes.toString('hex'))
        throw new InputError('REFUSED', 'not this one')
      })
      expect({ hits, faults }).toEqual({ hits: { F34: 1 }, faults: [] })
    }
    expect(seen[0]).toBe(seen[1])
  })

  it('finds a typed end for everything in the corpus', () => {
    const seeds = readCorpus(join(import.meta.dirname, '../../scripts/prove/corpus'))
    expect(seeds.length).toBeGreaterThan(10)
    const folder = corpus()
    for (const [name, { parse }] of Object.entries(PARSERS)) {
      const faults = seeds.flatMap((bytes) => fuzz(folder, () => parse(bytes)).faults)
      expect({ name, faults }).toEqual({ name, faults: [] })
    }
  })
})

describe('the coverage of faults', () => {
  it('has every fault of the model, and counts what was met in the middle of what', () => {
    expect(Object.keys(FAULTS)).toHaveLength(43)
    const hits = [
      { fault: 'F02', state: 'move', count: 2 },
      { fault: 'F02', state: 'move', count: 3 },
      { fault: 'F02', state: 'emit', count: 0 },
    ]
    expect(told(hits)[0]).toBe('F02 half of a write: move 5')
    expect(holesOf(hits)).toContain('F02 emit')
    expect(holesOf(hits)).not.toContain('F02 move')
  })

  it('takes nothing that is not in the model', () => {
    expect(() => holesOf([{ fault: 'F02', state: 'sleep', count: 1 }])).toThrow('not in the model')
  })
})

describe('npm run prove', () => {
  it(
    'says what it ran, what each met, the holes, and how it is run again',
    async () => {
      const args = ['--only', 'parsers,simulation', '--minutes', '0.02', '--seed', '11']
      const env = { ...process.env, KITTIWAKE_BUILT: '1' }
      const run = promisify(execFile)(process.execPath, [SCRIPT, ...args], { env })
      const { stdout } = await run
      expect(stdout).toContain('npm run prove -- --seed 11 --minutes 0.02')
      expect(stdout).toMatch(/parsers: [1-9]\d* inputs .*; 0 faults/)
      expect(stdout).toMatch(/simulation: [1-9]\d* seeds from 11; 0 faults/)
      expect(stdout).toContain('not run: power cut')
      expect(stdout).toMatch(/F34 a frame that is none: read [1-9]/)
      expect(stdout).toMatch(/not met in this run: .*F03 emit/)
    },
    TIMEOUT_MS,
  )

  it('refuses a technique that there is not', async () => {
    const env = { ...process.env, KITTIWAKE_BUILT: '1' }
    const run = promisify(execFile)(process.execPath, [SCRIPT, '--only', 'luck'], { env })
    await expect(run).rejects.toMatchObject({ code: 2 })
  })
})
