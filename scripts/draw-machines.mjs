#!/usr/bin/env node
// Draws every machine as a Mermaid state diagram in docs/machines, or in the folder after --into; with --check nothing
// is written, and a drawing that is missing, stale or of no machine ends it with exit code 1.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './prepare.mjs'

const args = process.argv.slice(2)
const into = args.indexOf('--into')
const folder = into === -1 ? join(root, 'docs/machines') : resolve(args[into + 1])

const { machineDefinitions } = await load('inspect/machines.js')
const { drawMermaid } = await load('inspect/draw-mermaid.js')
const textByName = new Map(
  machineDefinitions().map(({ name, root: outermost }) => [`${name}.mmd`, drawMermaid(outermost)]),
)
const present = existsSync(folder) ? readdirSync(folder) : []
const surplus = present.filter((name) => !textByName.has(name))
const stale = [...textByName].filter(
  ([name, text]) => !present.includes(name) || read(name) !== text,
)
if (args.includes('--check')) {
  const wrong = [...stale.map(([name]) => name), ...surplus].sort((a, b) => (a < b ? -1 : 1))
  if (wrong.length > 0) {
    console.error(`drawings: stale, run \`npm run draw\`:\n${wrong.join('\n')}`)
    process.exit(1)
  }
} else {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of stale) writeFileSync(join(folder, name), text)
  for (const name of surplus) rmSync(join(folder, name))
}

function load(file) {
  return import(pathToFileURL(join(root, 'dist', file)).href)
}

// A checkout may have put other line ends in.
function read(name) {
  return readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n')
}
