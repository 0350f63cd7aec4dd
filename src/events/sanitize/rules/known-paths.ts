/** P5: the roots of this repository, which become relative, and the home directories that are known. */
import type { CompiledIdentity, PathMatcher } from '../compiled-identity.ts'
import { HOME } from '../placeholders.ts'
import { hitsOf, NO_HITS, wholeHit, type Hit, type Rule, type Subject } from '../rule.ts'

export const repositoryRoots: Rule = {
  name: 'repository-roots',
  class: 'home_path',
  needs: 0,
  find: (subject, identity: CompiledIdentity) =>
    pathHits(subject, identity.roots, (match) =>
      wholeHit(match, /[\\/]$/.test(match[0]) ? '' : '.', null),
    ),
  samples: {
    removed: [
      '⟦/srv/code/harbor/⟧src/a.ts',
      'in ⟦/srv/code/harbor⟧',
      'at ⟦/srv/code/harbor/⟧src/a.ts:1 and ⟦/srv/code/harbor/⟧src/b.ts:2',
      '-I⟦/srv/code/harbor/⟧include',
      '"⟦/srv/code/harbor/⟧.kittify/config.yaml"',
      '⟦D:\\work\\harbor\\⟧src\\a.ts',
      '⟦D:/work/harbor/⟧src/a.ts',
      '"⟦D:\\\\work\\\\harbor\\\\⟧src"',
      '⟦/mnt/d/work/harbor/⟧src',
      '⟦/d/work/harbor/⟧src',
      'cwd=⟦/srv/code/harbor⟧.',
      '⟦\\\\?\\D:\\work\\harbor\\⟧x',
    ],
    kept: [
      '/srv/code/harbor-2/src',
      '/srv/code/harbors',
      'x/srv/code/harbor',
      '/srv/code',
      'code/harbor/src',
      'D:\\work\\harbor2',
      '/work/harbor/src',
      'harbor/src/a.ts',
      '/srv/code/harbor.old',
      'E:\\work\\harbor\\x',
      '/srv/code/harbor_x',
    ],
  },
}

export const knownHomes: Rule = {
  name: 'known-homes',
  class: 'home_path',
  needs: 0,
  find: (subject, identity: CompiledIdentity) =>
    pathHits(subject, identity.homes, (match) =>
      wholeHit(match, HOME, (match[0].split(/[\\/]/).at(-1) as string).toLowerCase()),
    ),
  samples: {
    removed: [
      '⟦/data/people/quillfeather⟧/notes',
      'HOME=⟦/data/people/quillfeather⟧',
      '⟦/data/people/quillfeather⟧',
      '"⟦/data/people/quillfeather⟧/.ssh/config"',
      '⟦E:\\Profiles\\Quill Feather⟧\\x',
      '⟦E:/Profiles/Quill Feather⟧/x',
      '"⟦E:\\\\Profiles\\\\Quill Feather⟧\\\\x"',
      '⟦/mnt/e/Profiles/Quill Feather⟧/x',
      '⟦/e/Profiles/Quill\\ Feather⟧/x',
      'a:⟦/data/people/quillfeather⟧:b',
      '⟦e:\\profiles\\quill feather⟧\\x',
    ],
    kept: [
      '/data/people/quillfeathers',
      '/data/people',
      'x/data/people/quillfeather',
      '/people/quillfeather/x',
      'E:\\Profiles\\Other\\x',
      '/data/people/other/x',
      'E:\\Profiles',
      '/data/people/quillfeather-2',
      'data/people',
      'Profiles/Quill',
      '/data/people/quillfeather.bak',
    ],
  },
}

function pathHits(
  { text, lower }: Subject,
  { expression, needles }: PathMatcher,
  toHit: (match: RegExpExecArray) => Hit,
): readonly Hit[] {
  if (expression === null || !needles.some((needle) => lower.includes(needle))) return NO_HITS
  return hitsOf(text, expression, toHit)
}
