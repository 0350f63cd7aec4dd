/** The lines that note native commits, in a hook of git's. Pure; a script is a string of its bytes, whatever they encode. */
import { programLine } from './program-line.ts'
import type { Program } from './program-line.ts'

/** What git runs after it made, rewrote or merged commits. */
export const HOOKS = ['post-commit', 'post-rewrite', 'post-merge'] as const
export type HookName = (typeof HOOKS)[number]

/** Names the user's own hook where it is no shell script, and so can't take our lines. */
export const CHAINED_SUFFIX = '.kittiwake-chained'

const BEGIN = '# kittiwake: begin (`kittiwake hooks uninstall` removes these lines)'
const END = '# kittiwake: end'
const BLOCK = new RegExp(`^${escaped(BEGIN)}\\n[^]*?^${escaped(END)}\\n`, 'm')
const SHEBANG = '#!/bin/sh\n'
const CHAIN = `exec "$0${CHAINED_SUFFIX}" "$@"\n`
const SHELL =
  /^#![ \t]*(?:\S*\/)?(?:env[ \t]+(?:-S[ \t]+)?)?(?:\S*\/)?(?:sh|bash|dash|ash|ksh|zsh)(?:[ \t][^\n]*)?\n/

/**
 * Behind the user's back on purpose: it reads no input, prints nothing, is waited for by nobody and fails nothing. A rebase
 * makes many commits, and is looked at once, when it is done.
 */
function blockOf(hook: HookName, program: Program): string {
  const call = `( ${programLine(program, `hooks run ${hook}`)} ) </dev/null >/dev/null 2>&1 &`
  const lines =
    hook === 'post-commit'
      ? [
          'if ! test -d "${GIT_DIR:-.git}/rebase-merge" && ! test -d "${GIT_DIR:-.git}/rebase-apply"; then',
          `  ${call}`,
          'fi',
        ]
      : [call]
  return Buffer.from(`${[BEGIN, ...lines, END].join('\n')}\n`).toString('latin1')
}

/** A hook of its own, or one that then goes on with the user's under its other name. */
export function newScript(hook: HookName, program: Program, chained: boolean): string {
  return `${SHEBANG}${blockOf(hook, program)}${chained ? CHAIN : ''}`
}

/** The script with our lines right behind its first, so that no `exit` of its own keeps them from running; null where it is for no shell. */
export function withBlock(script: string, hook: HookName, program: Program): string | null {
  const block = blockOf(hook, program)
  if (hasBlock(script)) return script.replace(BLOCK, () => block)
  const shebang = SHELL.exec(script)?.[0]
  return shebang === undefined ? null : `${shebang}${block}${script.slice(shebang.length)}`
}

export function hasBlock(script: string): boolean {
  return BLOCK.test(script)
}

/** What is left without our lines. */
export type Rest =
  | { readonly kind: 'nothing' }
  /** The user's own hook stands under the other name. */
  | { readonly kind: 'chained' }
  | { readonly kind: 'script'; readonly text: string }

export function withoutBlock(script: string): Rest {
  const text = script.replace(BLOCK, '')
  if (text === SHEBANG) return { kind: 'nothing' }
  return text === `${SHEBANG}${CHAIN}` ? { kind: 'chained' } : { kind: 'script', text }
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
