/** Headings and punctuation that the pages and tables of all actions share. */
export const HEADINGS = {
  english: {
    other: '中文：[README.zh.md](README.zh.md)',
    readme: 'README.md',
    list: 'actions.md',
    inputs: 'Inputs',
    outputs: 'Outputs',
    input: ['input', 'required', 'default', 'meaning'],
    output: ['output', 'meaning'],
    notRequired: 'no',
    colon: ': ',
    end: '.',
  },
  chinese: {
    other: 'English: [README.md](README.md)',
    readme: 'README.zh.md',
    list: 'actions.zh.md',
    inputs: '输入',
    outputs: '输出',
    input: ['输入', '何时必填', '默认值', '含义'],
    output: ['输出', '含义'],
    notRequired: '否',
    colon: '：',
    end: '。',
  },
} as const;
