import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const SCRIPT = join(import.meta.dirname, '../../scripts/draw-machines.mjs')
const STATE = /^state "[^"]+" as (\w+)( \{)?$/
const EDGE = /^(\w+|\[\*\]) --> (\w+|\[\*\])(?: : (.+))?$/
const NOTE = /^note right of (\w+) : runs \S+ as \S+$/

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kittiwake-drawings-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function draw(...args: string[]): { code: number | null; text: string } {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, '--into', folder, ...args], {
    encoding: 'utf8',
  })
  return { code: status, text: stderr }
}

/** What is wrong with the structure of a state diagram; empty is good. */
function faultsOf(text: string): string[] {
  const [head, ...lines] = text.trimEnd().split('\n')
  const faults = head === 'stateDiagram-v2' ? [] : ['no head']
  const aliases = lines.flatMap((line) => STATE.exec(line.trim())?.[1] ?? [])
  if (new Set(aliases).size !== aliases.length) faults.push('an alias stands twice')
  const known = new Set([...aliases, '[*]'])
  const open: { alias: string; initial: number; regions: number }[] = []
  let initial = 0
  for (const line of lines.map((one) => one.trim())) {
    const state = STATE.exec(line)
    const edge = EDGE.exec(line)
    const note = NOTE.exec(line)
    const outer = open.at(-1)
    if (state !== null) {
      if (state[2] !== undefined) open.push({ alias: state[1] ?? '', initial: 0, regions: 1 })
    } else if (edge !== null) {
      for (const end of [edge[1], edge[2]]) if (!known.has(end ?? '')) faults.push(`no ${end}`)
      if (edge[1] === '[*]' && outer === undefined) initial += 1
      else if (edge[1] === '[*]' && outer !== undefined) outer.initial += 1
      if (/after [\d.]+$/.test(edge[3] ?? '')) faults.push(`a delay without a name: ${line}`)
    } else if (note !== null) {
      if (!known.has(note[1] ?? '')) faults.push(`no ${note[1]}`)
    } else if (line === '--' && outer !== undefined) outer.regions += 1
    else if (line === '}' && outer !== undefined) {
      if (outer.regions === 1 && outer.initial !== 1) faults.push(`${outer.alias} begins nowhere`)
      if (outer.regions > 1 && outer.initial > 0) faults.push(`${outer.alias} begins twice`)
      open.pop()
    } else faults.push(`not understood: ${line}`)
  }
  if (open.length > 0) faults.push('a state is not closed')
  if (initial !== 1) faults.push(`${initial} beginnings`)
  return faults
}

describe('the drawings of the machines', () => {
  it('are whole state diagrams, one for each machine', () => {
    expect(draw()).toEqual({ code: 0, text: '' })
    const names = readdirSync(folder)
    expect(names).toEqual(expect.arrayContaining(['commit.mmd', 'connection.mmd', 'worker.mmd']))
    for (const name of names) {
      expect({ name, faults: faultsOf(readFileSync(join(folder, name), 'utf8')) }).toEqual({
        name,
        faults: [],
      })
    }
    expect(readFileSync(join(folder, 'connection.mmd'), 'utf8')).toMatch(/^ +--$/m)
  })

  it('are checked without being written: stale, missing and left over ones are named', () => {
    draw()
    expect(draw('--check')).toEqual({ code: 0, text: '' })
    appendFileSync(join(folder, 'commit.mmd'), '  commit_clean --> commit_clean : nothing\n')
    rmSync(join(folder, 'drain.mmd'))
    writeFileSync(join(folder, 'gone.mmd'), 'stateDiagram-v2\n')
    const { code, text } = draw('--check')
    expect(code).toBe(1)
    expect(text.match(/^\w+\.mmd$/gm)).toEqual(['commit.mmd', 'drain.mmd', 'gone.mmd'])
    expect(existsSync(join(folder, 'drain.mmd'))).toBe(false)
    expect(draw().code).toBe(0)
    expect(draw('--check').code).toBe(0)
  })
})
