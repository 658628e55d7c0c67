use super::*;

/// Writes `text` to a file of that name and reads it.
pub(in crate::table) fn read(
    name: &str,
    text: &[u8],
    options: &TableOptions,
) -> Result<Table, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let root = format!("{}/", folder.path().display());
    Table::read(&path, "y", options).map_err(|e| e.to_string().replace(&root, ""))
}

fn ok(name: &str, text: &str) -> Table {
    read(name, text.as_bytes(), &TableOptions::default()).unwrap()
}

#[test]
fn delimiters_byte_order_marks_and_quotes() {
    let want = ok("x.csv", "a,b,y\n1,2,u\n3,4,v\n1,2,u\n3,4,v\n");
    assert_eq!(want.columns(), ["a", "b"]);
    assert_eq!(want.values, [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(want.ids()[3], "row 4");
    for (name, text) in [
        ("x.csv", "\u{feff}a;b;y\n1;2;u\n3;4;v\n1;2;u\n3;4;v"),
        ("x.tsv", "a\tb\ty\n1\t2\tu\n3\t4\tv\n1\t2\tu\n3\t4\tv\n"),
        (
            "x.txt",
            "a\tb\ty\r\n1\t2\tu\r\n3\t4\tv\r\n1\t2\tu\r\n3\t4\tv\r\n",
        ),
        (
            "x.csv",
            "\"a\", b ,\"y\"\n 1,\"2\",u\n\n3,4e0,v\n+1,2.,u\n3,4,\"v\"\n",
        ),
    ] {
        assert_eq!(ok(name, text), want, "{name} {text}");
    }
    assert_eq!(
        ok("x.csv", "\"p;q;r\",y\n1,u\n2,v\n1,u\n2,v\n").columns(),
        ["p;q;r"]
    );
}

#[test]
fn missing_values_are_counted_or_refused() {
    let text = "a,b,y\n,2,u\nNA,4,v\n?,nan,u\nNULL,4,v\n5,-4,u\n";
    let table = ok("x.csv", text);
    assert_eq!(table.missing(), [4, 1]);
    assert_eq!(table.row(4).unwrap(), [5.0, -4.0]);
    let refusing = TableOptions {
        missing: Missing::Refuse,
        ..TableOptions::default()
    };
    assert_eq!(
        read("x.csv", text.as_bytes(), &refusing).unwrap_err(),
        "x.csv: column `a` has 4 missing values, the first in line 2; fill them, ignore the \
         column, or allow imputation"
    );
}

/// Found on tables written by spreadsheets and by Python.
#[test]
fn missing_values_have_many_names() {
    let text = "a,y\nN/A,u\n#N/A,v\n<NA>,u\nn/a,v\nNone,u\n1,None\n2,None\n3,v\n";
    let table = ok("x.csv", text);
    assert_eq!(table.missing(), [5]);
    assert_eq!(table.classes(), ["None", "u", "v"]);
    assert_eq!(
        read("x.csv", b"a,y\n1,N/A\n", &TableOptions::default()).unwrap_err(),
        "x.csv: line 2: the target `y` is missing; fill it or remove the row"
    );
}

/// A field of 900 MB filled the terminal.
#[test]
fn long_fields_are_not_quoted_whole() {
    let long = "字".repeat(5_000);
    for text in [
        format!("a,y\n{long},u\n"),
        format!("{long},{long}2\n1,u\n"),
        format!("a,y\n1,{long}\n2,{long}\n"),
    ] {
        let refusal = read("x.csv", text.as_bytes(), &TableOptions::default()).unwrap_err();
        assert!(
            refusal.contains('…') && refusal.len() < 600,
            "{} bytes",
            refusal.len()
        );
    }
}

#[test]
fn every_fault_is_one_clear_line() {
    let cases: [(&[u8], &str); 18] = [
        (
            b"",
            "x.csv: the file is empty; expected a header line and at least one row",
        ),
        (b"a,y\n", "x.csv: there are no rows; expected a header line"),
        (
            b"a,y\n1,u\n2,v,3\n",
            "x.csv: line 3 has 3 fields, the header 2; check its",
        ),
        (b"a,y\n1,u\n2\n", "x.csv: line 3 has 1 fields, the header 2"),
        (
            b"a,y\n1,u\n2,\xe9\n",
            "x.csv: line 3 is not UTF-8; save the file as UTF-8",
        ),
        (b"\xff\xfea\0,\0y\0\n\0", "x.csv: line 1 is not UTF-8"),
        (
            b"a,b,yy\n1,2,u\n",
            "x.csv: no column `y`, did you mean `yy`?; columns: a, b, yy",
        ),
        (
            b"a,a,y\n1,2,u\n",
            "x.csv: two columns are named `a`; rename one",
        ),
        (
            b",a,y\n1,2,u\n",
            "x.csv: column 1 has no name in the header and may be a row index",
        ),
        (b"y\nu\nv\n", "x.csv: no feature columns are left"),
        (
            b"a,y\n1,u\n\nred,v\n",
            "x.csv: column `a`, line 4: `red` is not a number; only",
        ),
        (
            b"a,y\n1,u\n-,v\n",
            "x.csv: column `a`, line 3: `-` is not a number; only",
        ),
        (
            b"a,y\n1,u\ninf,v\n",
            "x.csv: column `a`, line 3: `inf` is infinite; a finite",
        ),
        (
            b"a,y\n1e999,u\n",
            "x.csv: column `a`, line 2: `1e999` is infinite",
        ),
        (
            b"a,y\n1,u\n2,\n",
            "x.csv: line 3: the target `y` is missing; fill it",
        ),
        (
            b"a,y\n1,u\n2,u\n",
            "x.csv: the target `y` is `u` in every row; a classifier",
        ),
        (
            b"a,y\n1,u\n2,u\n3,v\n",
            "x.csv: class `v` has 1 of at least 2 training samples; add samples",
        ),
        (b"a,y\n1,u\n2,u\n3,v\n3,v\n", ""),
    ];
    for (text, words) in cases {
        let result = read("x.csv", text, &TableOptions::default());
        let shown = String::from_utf8_lossy(text);
        match result {
            Ok(_) => assert!(words.is_empty(), "{shown}: read"),
            Err(refusal) => {
                assert!(
                    !words.is_empty() && refusal.starts_with(words),
                    "{shown}: {refusal}"
                );
                assert!(!refusal.contains('\n'), "{refusal}");
            }
        }
    }
    let missing = Table::read(Path::new("/no/x.csv"), "y", &TableOptions::default());
    assert!(matches!(missing, Err(DataError::PathMissing { .. })));
    let folder = tempfile::tempdir().unwrap();
    let refusal = Table::read(folder.path(), "y", &TableOptions::default());
    assert!(matches!(refusal, Err(DataError::NotATable { .. })));
}

#[test]
fn lines_are_those_of_an_editor() {
    for text in [
        "a,b,y\r\n1,2,u\r\n\r\n\r\nred,2,v\r\n",
        "\u{feff}a,b,y\n\n1,2,u\n\nred,2,v",
        "a,b,y\r1,2,u\r\r\rred,2,v\r",
        "a,b,y\n1,2,\"two\n\nlines\"\nred,2,v\n",
    ] {
        let refusal = read("x.csv", text.as_bytes(), &TableOptions::default()).unwrap_err();
        assert!(
            refusal.starts_with("x.csv: column `a`, line 5: `red`"),
            "{text:?}: {refusal}"
        );
        let ragged = text.replace("red,2,v", "red,v");
        let refusal = read("x.csv", ragged.as_bytes(), &TableOptions::default()).unwrap_err();
        assert!(
            refusal.starts_with("x.csv: line 5 has 2 fields"),
            "{text:?}: {refusal}"
        );
    }
}

#[test]
fn ignored_columns_are_not_read() {
    let text = b",name,a,y\n0,x,1,u\n1,z,2,v\n2,x,3,u\n3,z,4,v\n";
    let ignoring = |names: &[&str]| TableOptions {
        ignore: names.iter().map(|&n| n.to_owned()).collect(),
        ..TableOptions::default()
    };
    let table = read("x.csv", text, &ignoring(&["column 1", "name"])).unwrap();
    assert_eq!(table.columns(), ["a"]);
    let refusal = read("x.csv", text, &ignoring(&["nmae"])).unwrap_err();
    assert!(refusal.contains("no column `nmae`"), "{refusal}");
    let refusal = read("x.csv", text, &ignoring(&["y"])).unwrap_err();
    assert!(
        refusal.contains("target `y` is among the ignored"),
        "{refusal}"
    );
}

#[test]
fn too_many_columns_are_refused() {
    let names: Vec<String> = (0..10_001).map(|i| format!("c{i}")).collect();
    let text = format!("{},y\n", names.join(","));
    let refusal = read("x.csv", text.as_bytes(), &TableOptions::default()).unwrap_err();
    assert_eq!(
        refusal,
        "x.csv: the number of columns is 10002, more than the 10000 taken"
    );
}

#[test]
fn constant_columns_are_told() {
    let table = ok("x.csv", "a,b,c,y\n1,5,,u\n1,6,2,v\n1,5,2,u\n2,5,2,v\n");
    assert_eq!(table.constant_columns(&[0, 1, 2]).unwrap(), ["a", "c"]);
    assert_eq!(table.constant_columns(&[0, 2, 3]).unwrap(), ["b", "c"]);
    assert!(table.constant_columns(&[4]).is_err());
}
