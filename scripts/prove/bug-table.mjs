// The table of planted bugs in docs/proofs.md: which test caught each, and in how long; written by the command that plants them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, tool } from '../prepare.mjs'

const PATH = join(root, 'docs', 'proofs.md')
const BEGIN = '<!-- planted bugs: `npm run prove:mutations -- --write` -->'
const END = '<!-- end of the planted bugs -->'
const HEAD = ['| planted bug | caught by | time to find |', '| --- | --- | --- |']
const ROW = /^\| ([^|]*?) +\| ([^|]*?) +\| ([^|]*?) +\|$/

/**
 * Each row; `told` is the time, or that it was missed.
 *
 * @returns {{ name: string, by: string, told: string }[]}
 */
export function readTable(text = readFileSync(PATH, 'utf8')) {
  const lines = text.slice(text.indexOf(BEGIN), text.indexOf(END)).split('\n')
  const rows = lines.map((line) => ROW.exec(line)).filter((found) => found !== null)
  return rows
    .map(([, name = '', by = '', told = '']) => ({ name, by, told }))
    .filter(({ name }) => name !== 'planted bug' && !name.startsWith('---'))
}

/** Puts what was found, `{ name, by, isCaught, seconds }`, in the place of what is told of the same; `known` are the names that stay. */
export function writeTable(found, known) {
  const text = readFileSync(PATH, 'utf8')
  const rows = new Map(readTable(text).map((row) => [row.name, row]))
  for (const { name, by, isCaught, seconds } of found) {
    const told = isCaught ? `${seconds} s` : 'MISSED'
    rows.set(name, { name, by: by.map((file) => `\`${file}\``).join(' '), told })
  }
  const lines = known
    .filter((name) => rows.has(name))
    .map((name) => rows.get(name))
    .map(({ name, by, told }) => `| ${name} | ${by} | ${told} |`)
  const table = [BEGIN, '', ...HEAD, ...lines, '', END].join('\n')
  const [before, after] = [text.slice(0, text.indexOf(BEGIN)), text.slice(text.indexOf(END))]
  writeFileSync(PATH, before + table + after.slice(END.length))
  run(process.execPath, [tool('oxfmt'), PATH])
}
