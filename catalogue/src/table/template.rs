//! The template: sheets, their columns, and what a cell of each column may hold.

use super::{Cell, Sheet};

/// What a cell of a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Codes, names of fields, and lists of them with 、 between: no full-width digits, and never a number, because a
    /// spreadsheet drops leading zeros and rounds long codes.
    Code,
    /// A whole number.
    Number,
    /// A day, `YYYY-MM-DD`, as text.
    Date,
    /// 是, or nothing.
    Yes,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Several lines, each for itself.
    Lines,
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its title in the first row.
    pub title: &'static str,
    /// What its cells may hold.
    pub kind: Kind,
    /// Whether every row needs it.
    pub required: bool,
}

/// One sheet of the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in this order.
    pub columns: &'static [Column],
}

const fn must(title: &'static str, kind: Kind) -> Column {
    Column { title, kind, required: true }
}

const fn may(title: &'static str, kind: Kind) -> Column {
    Column { title, kind, required: false }
}

pub(super) const STATES: &[&str] = &["有出处", "推断", "暂定"];
pub(super) const KINDS: &[&str] = &["文字", "日期", "整数", "是非", "文字列表", "摘要", "文字表格"];
pub(super) const ROLES: &[&str] = &["申请人", "法定代表人", "配偶", "代理人", "从业人员", "利害关系人"];
const FILE: Column = must("文件", Kind::Code);
const STATE: Column = must("依据状态", Kind::Word(STATES));
const SOURCE: Column = must("来源", Kind::Text);

pub(super) const TYPES: Template = Template {
    name: "证照类型",
    columns: &[
        FILE,
        must("证照类型代码", Kind::Code),
        may("省目录基本码", Kind::Code),
        must("证照类型名称", Kind::Text),
        must("英文名称", Kind::Text),
        must("证照种类", Kind::Text),
        may("定义机构代码", Kind::Code),
        must("定义机构", Kind::Text),
        must("定义机构级别", Kind::Text),
        must("持证主体类别", Kind::Text),
        must("有效期规则", Kind::Text),
        must("颁发机构级别", Kind::Text),
        must("持证主体数量", Kind::Code),
        may("法律依据", Kind::Text),
        may("仅引用", Kind::Yes),
    ],
};
pub(super) const REVISIONS: Template = Template {
    name: "版次",
    columns: &[
        FILE,
        must("版次", Kind::Number),
        must("通用项组", Kind::Number),
        must("启用日期", Kind::Date),
        must("最长有效天数", Kind::Number),
        may("必填通用项", Kind::Code),
    ],
};
pub(super) const FIELDS: Template = Template {
    name: "信息项",
    columns: &[
        FILE,
        must("版次", Kind::Number),
        must("键", Kind::Number),
        must("名称", Kind::Text),
        must("英文名称", Kind::Text),
        must("数据类型", Kind::Word(KINDS)),
        must("最大长度", Kind::Number),
        may("必填", Kind::Yes),
        may("敏感", Kind::Yes),
        may("照面", Kind::Yes),
        may("可选值", Kind::Lines),
        STATE,
        SOURCE,
        may("说明", Kind::Text),
    ],
};
pub(super) const FACTS: Template =
    Template { name: "依据", columns: &[FILE, must("项目", Kind::Text), STATE, SOURCE] };
pub(super) const AUTHORITIES: Template = Template {
    name: "机关",
    columns: &[
        FILE,
        must("节点", Kind::Code),
        must("主机", Kind::Code),
        must("机关代码", Kind::Code),
        may("合成代码", Kind::Yes),
        must("机关名称", Kind::Text),
        must("英文名称", Kind::Text),
        must("密钥用途", Kind::Code),
        must("地区", Kind::Code),
        may("证照类型代码", Kind::Code),
        may("启用日期", Kind::Date),
        may("停用日期", Kind::Date),
        may("前任机关代码", Kind::Code),
        STATE,
        SOURCE,
    ],
};
pub(super) const ITEMS: Template = Template {
    name: "事项",
    columns: &[
        FILE,
        must("事项编码", Kind::Code),
        may("合成编码", Kind::Yes),
        must("事项名称", Kind::Text),
        must("英文名称", Kind::Text),
        must("事项领域", Kind::Text),
        must("实施地区", Kind::Code),
        must("用途", Kind::Text),
        must("加注件秒数", Kind::Number),
        must("免提交方式", Kind::Text),
        may("法律依据", Kind::Text),
        must("启用日期", Kind::Date),
        may("停用日期", Kind::Date),
        STATE,
        SOURCE,
    ],
};
pub(super) const MATERIALS: Template = Template {
    name: "材料",
    columns: &[
        FILE,
        must("材料编码", Kind::Code),
        must("材料名称", Kind::Text),
        must("英文名称", Kind::Text),
        must("持证人角色", Kind::Word(ROLES)),
        must("接受地区", Kind::Code),
        may("最长天数", Kind::Number),
        must("证照类型代码", Kind::Code),
        may("必需信息项", Kind::Code),
        may("可查看信息项", Kind::Code),
        may("敏感项理由", Kind::Lines),
        may("条件", Kind::Lines),
    ],
};
pub(super) const CHOICES: Template = Template {
    name: "选择",
    columns: &[FILE, must("选择名称", Kind::Text), must("方式", Kind::Lines)],
};

/// All sheets of the template, in the order of a workbook. A workbook may leave out those that it does not need.
pub const SHEETS: [Template; 8] = [TYPES, REVISIONS, FIELDS, FACTS, AUTHORITIES, ITEMS, MATERIALS, CHOICES];

/// An empty workbook: every sheet with its titles.
#[must_use]
pub fn template() -> Vec<Sheet> {
    SHEETS.iter().map(Template::sheet).collect()
}

impl Template {
    /// The sheet with nothing but its titles.
    pub(super) fn sheet(&self) -> Sheet {
        let titles = self.columns.iter().map(|column| Cell::Text(column.title.to_owned())).collect();
        Sheet { name: self.name.to_owned(), rows: vec![titles], ..Sheet::default() }
    }

    /// Place of the column with this title.
    pub(super) fn column(&self, title: &str) -> usize {
        let found = self.columns.iter().position(|column| column.title == title);
        // Titles are written out where they are asked for: a wrong one is a slip of ours, and no test gets past it.
        debug_assert!(found.is_some(), "sheet {} has no column {title}", self.name);
        found.unwrap_or(self.columns.len())
    }
}
